/* The dashboard of Plex Butler: built-in cards only, found in the registries. */

const DOMAIN = "plex_butler";
const ELEMENT = "ll-strategy-dashboard-plex-butler";

// Tasks by the translation keys of their switches; all others are "other".
const GROUPS = {
  database: ["backup_database", "optimize_database"],
  library: [
    "refresh_libraries",
    "refresh_local_media",
    "refresh_periodic_metadata",
    "refresh_epg_guides",
    "generate_auto_tags",
    "build_gracenote_collections",
    "process_assets",
  ],
  analysis: [
    "generate_intro_markers",
    "generate_credits_markers",
    "generate_ad_markers",
    "generate_voice_activity",
    "generate_chapter_thumbs",
    "generate_media_index_files",
    "generate_blur_hashes",
    "deep_media_analysis",
    "upgrade_media_analysis",
    "music_analysis",
    "loudness_analysis",
  ],
  cleaning: [
    "clean_old_bundles",
    "clean_old_cache_files",
    "clean_supplemental_log_files",
    "garbage_collect_blobs",
    "garbage_collect_library_media",
  ],
};

/* What a server has: its entities, by domain and translation key. */
class Server {
  constructor(hass, device) {
    this.hass = hass;
    this.device = device;
    this.entities = Object.values(hass.entities).filter(
      (entity) =>
        entity.device_id === device.id &&
        entity.platform === DOMAIN &&
        !entity.hidden
    );
  }

  get name() {
    return this.device.name_by_user || this.device.name;
  }

  ids(domain, ...keys) {
    return keys.flatMap((key) =>
      this.entities
        .filter(
          (entity) =>
            entity.entity_id.startsWith(`${domain}.`) &&
            entity.translation_key === key
        )
        .map((entity) => entity.entity_id)
    );
  }

  /* Switches of tasks; those of the schedule have a category. */
  get tasks() {
    return this.entities.filter(
      (entity) =>
        entity.entity_id.startsWith("switch.") && !entity.entity_category
    );
  }
}

const tile = (entity, options) => ({
  type: "tile",
  entity,
  name: { type: "entity" }, // without the name of the device
  ...options,
});

const section = (heading, icon, cards) =>
  cards.length
    ? [
        {
          type: "grid",
          cards: [{ type: "heading", heading, icon }, ...cards],
        },
      ]
    : [];

const view = (server, text) => {
  const wide = { grid_options: { columns: "full" } };
  const confirmed = (entity, question) =>
    tile(entity, {
      ...wide,
      hide_state: true,
      tap_action: {
        action: "perform-action",
        perform_action: "button.press",
        target: { entity_id: entity },
        confirmation: { text: text(question) },
      },
    });
  const now = [
    ...server.ids("sensor", "current_task").map((id) => tile(id, wide)),
    ...server
      .ids("sensor", "progress")
      .map((id) =>
        tile(id, {
          ...wide,
          features: [{ type: "bar-gauge" }],
          visibility: [{ condition: "numeric_state", entity: id, above: -1 }],
        })
      ),
    ...server
      .ids("button", "start_all_tasks")
      .map((id) => confirmed(id, "confirm_start")),
    ...server
      .ids("button", "stop_all_tasks")
      .map((id) => confirmed(id, "confirm_stop")),
  ];
  const groupOf = (task) =>
    Object.keys(GROUPS).find((group) =>
      GROUPS[group].includes(task.translation_key)
    ) ?? "other";
  const place = (task) =>
    GROUPS[groupOf(task)]?.indexOf(task.translation_key) ?? 0;
  const icons = {
    database: "mdi:database",
    library: "mdi:filmstrip-box-multiple",
    analysis: "mdi:magnify-scan",
    cleaning: "mdi:broom",
    other: "mdi:dots-horizontal",
  };
  const backup = server
    .ids("sensor", "last_run_backup_database")
    .map((id) => tile(id, wide));
  const groups = Object.keys(icons).flatMap((group) =>
    section(
      text(group),
      icons[group],
      server.tasks
        .filter((task) => groupOf(task) === group)
        .sort((one, other) => place(one) - place(other))
        .map((task) =>
          tile(task.entity_id, {
            ...wide, // half of it is too narrow for the names of some tasks
            tap_action: { action: "more-info" },
            icon_tap_action: { action: "toggle" },
          })
        )
        .concat(group === "database" ? backup : [])
    )
  );
  const schedule = [
    ...server
      .ids("binary_sensor", "maintenance_window")
      .map((id) => tile(id, wide)),
    ...["window_start", "window_end"].flatMap((key) =>
      server.ids("select", key).map((id) =>
        tile(id, { name: text(key), features: [{ type: "select-options" }] })
      )
    ),
  ];
  const history = [
    {
      type: "logbook",
      target: { entity_id: server.tasks.map((task) => task.entity_id) },
      hours_to_show: 24,
      grid_options: { columns: "full", rows: 6 },
    },
  ];
  return {
    title: server.name,
    path: server.device.id,
    type: "sections",
    max_columns: 4,
    sections: [
      ...section(text("now"), "mdi:progress-clock", now),
      ...section(text("schedule"), "mdi:calendar-clock", schedule),
      ...groups,
      ...section(text("history"), "mdi:history", server.tasks.length ? history : []),
    ],
  };
};

class PlexButlerDashboardStrategy extends HTMLElement {
  static async generate(config, hass) {
    const localize = await hass.loadBackendTranslation("selector", DOMAIN);
    const text = (key) =>
      localize(`component.${DOMAIN}.selector.dashboard.options.${key}`) || key;
    const servers = Object.values(hass.devices)
      .filter(
        (device) =>
          !device.disabled_by &&
          device.identifiers.some(([domain]) => domain === DOMAIN)
      )
      .map((device) => new Server(hass, device))
      .sort((one, other) => one.name.localeCompare(other.name));
    if (servers.length) {
      return { views: servers.map((server) => view(server, text)) };
    }
    return {
      views: [{ cards: [{ type: "markdown", content: text("no_server") }] }],
    };
  }
}

if (!customElements.get(ELEMENT)) {
  customElements.define(ELEMENT, PlexButlerDashboardStrategy);
  window.customStrategies = window.customStrategies || [];
  window.customStrategies.push({
    type: "plex-butler",
    strategyType: "dashboard",
    name: "Plex Butler",
    description: "The scheduled tasks of your Plex servers",
    documentationURL:
      "https://github.com/plex-butler/plex-butler-for-home-assistant",
  });
}
