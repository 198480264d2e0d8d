"""Every task that simulated servers know; the first 22 are those of 2026."""

from __future__ import annotations

from .task_spec import TaskSpec, Work

SCANNING = Work(type="library.update.section", title="Scanning Movies")
METADATA = Work(type="library.update.item.metadata", title="Updating details")
INTROS = Work(type="media.generate.intros", title="Detecting intros")
CREDITS = Work(type="media.generate.credits", title="Detecting credits")
VOICES = Work(type="media.generate.voice.activity", title="Detecting voices")
LOUDNESS = Work(type="media.generate.loudness", title="Measuring loudness")
CHAPTERS = Work(type="media.generate.chapter.thumbs", title="Making chapter images")
PREVIEWS = Work(type="media.generate.bif", title="Making video previews")
MUSIC = Work(type="media.generate.music.analysis", title="Listening to music")
GUIDE = Work(type="provider.epg.load", title="Refreshing the guide")

CATALOGUE = (
    TaskSpec(
        name="OptimizeDatabase",
        title="Optimize Database",
        description="Puts the database in order so that it answers faster.",
        interval=7,
        seconds=90,
        preference="ButlerTaskOptimizeDatabase",
        locks_database=True,
    ),
    TaskSpec(
        name="CleanOldBundles",
        title="Clean Old Bundles",
        description="Removes bundles that no item uses any more.",
        interval=7,
        seconds=40,
        preference="ButlerTaskCleanOldBundles",
    ),
    TaskSpec(
        name="AutomaticUpdates",
        title="Automatic Updates",
        description="Looks for a new release of the server and installs it.",
        randomized=True,
        seconds=15,
    ),
    TaskSpec(
        name="BackupDatabase",
        title="Backup Database",
        description="Writes a copy of the database to the backup folder.",
        interval=3,
        seconds=30,
        preference="ButlerTaskBackupDatabase",
        locks_database=True,
    ),
    TaskSpec(
        name="ButlerTaskCleanSupplementalLogFiles",
        title="Clean Supplemental Log Files",
        description="Removes additional log files that are old.",
        seconds=5,
    ),
    TaskSpec(
        name="ButlerTaskGenerateAdMarkers",
        title="Generate Ad Markers",
        description="Finds advertisements in recordings.",
        seconds=240,
        preference="GenerateAdMarkerBehavior",
    ),
    TaskSpec(
        name="ButlerTaskGenerateCreditsMarkers",
        title="Generate Credits Markers",
        description="Finds where the closing credits begin.",
        seconds=300,
        preference="GenerateCreditsMarkerBehavior",
        work=CREDITS,
    ),
    TaskSpec(
        name="ButlerTaskGenerateIntroMarkers",
        title="Generate Intro Markers",
        description="Finds the opening sequences of episodes.",
        seconds=300,
        preference="GenerateIntroMarkerBehavior",
        work=INTROS,
    ),
    TaskSpec(
        name="ButlerTaskGenerateVoiceActivity",
        title="Generate Voice Activity",
        description="Finds where people speak, to keep subtitles in step.",
        seconds=240,
        preference="GenerateVADBehavior",
        work=VOICES,
    ),
    TaskSpec(
        name="CleanOldCacheFiles",
        title="Clean Old Cache Files",
        description="Removes cached files that were not asked for lately.",
        interval=7,
        seconds=20,
        preference="ButlerTaskCleanOldCacheFiles",
    ),
    TaskSpec(
        name="DeepMediaAnalysis",
        title="Deep Media Analysis",
        description="Reads whole files to learn what bandwidth they need.",
        seconds=600,
        preference="ButlerTaskDeepMediaAnalysis",
    ),
    TaskSpec(
        name="GarbageCollectBlobs",
        title="Garbage Collect Blobs",
        description="Frees what the blob database no longer needs.",
        interval=7,
        seconds=25,
        preference="ButlerTaskGarbageCollectBlobs",
    ),
    TaskSpec(
        name="GarbageCollectLibraryMedia",
        title="Garbage Collect Library Media",
        description="Frees what deleted media left in the library.",
        interval=7,
        seconds=35,
    ),
    TaskSpec(
        name="GenerateChapterThumbs",
        title="Generate Chapter Thumbs",
        description="Makes a picture for every chapter.",
        seconds=180,
        preference="GenerateChapterThumbBehavior",
        work=CHAPTERS,
    ),
    TaskSpec(
        name="GenerateMediaIndexFiles",
        title="Generate Media Index Files",
        description="Makes the pictures that are shown while seeking.",
        seconds=420,
        preference="GenerateBIFBehavior",
        work=PREVIEWS,
    ),
    TaskSpec(
        name="LoudnessAnalysis",
        title="Loudness Analysis",
        description="Measures how loud tracks are.",
        seconds=200,
        preference="LoudnessAnalysisBehavior",
        work=LOUDNESS,
    ),
    TaskSpec(
        name="MusicAnalysis",
        title="Music Analysis",
        description="Compares tracks by how they sound.",
        seconds=200,
        preference="MusicAnalysisBehavior",
        work=MUSIC,
    ),
    TaskSpec(
        name="ProcessAssets",
        title="Process Assets",
        description="Works through assets that wait.",
        seconds=10,
    ),
    TaskSpec(
        name="RefreshEpgGuides",
        title="Refresh EPG Guides",
        description="Fetches what is on television.",
        randomized=True,
        seconds=45,
        preference="ButlerTaskRefreshEpgGuides",
        work=GUIDE,
    ),
    TaskSpec(
        name="RefreshLibraries",
        title="Refresh Libraries",
        description="Looks through all library folders for changes.",
        seconds=120,
        preference="ButlerTaskRefreshLibraries",
        work=SCANNING,
    ),
    TaskSpec(
        name="RefreshLocalMedia",
        title="Refresh Local Media",
        description="Reads local pictures and subtitles again.",
        interval=3,
        seconds=80,
        preference="ButlerTaskRefreshLocalMedia",
        work=METADATA,
    ),
    TaskSpec(
        name="UpgradeMediaAnalysis",
        title="Upgrade Media Analysis",
        description="Analyses files anew that an older release analysed.",
        seconds=70,
        preference="ButlerTaskUpgradeMediaAnalysis",
    ),
    TaskSpec(
        name="BuildGracenoteCollections",
        title="Build Gracenote Collections",
        description="Groups music by what the catalogue says of it.",
        interval=7,
        seconds=30,
    ),
    TaskSpec(
        name="CheckForUpdates",
        title="Check For Updates",
        description="Looks for a new release of the server.",
        randomized=True,
        seconds=5,
    ),
    TaskSpec(
        name="GenerateAutoTags",
        title="Generate Auto Tags",
        description="Says what is to be seen in photos.",
        seconds=150,
        preference="ButlerTaskGenerateAutoTags",
    ),
    TaskSpec(
        name="RefreshPeriodicMetadata",
        title="Refresh Periodic Metadata",
        description="Fetches details again that may have changed.",
        randomized=True,
        seconds=110,
        preference="ButlerTaskRefreshPeriodicMetadata",
        work=METADATA,
    ),
)
