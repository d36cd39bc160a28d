//! The road's own tables in each room's own database.

/// Migrations of the road's tables; a room opens its database with these and its own.
pub const MIGRATIONS: ::store::Migrations = ::store::Migrations {
    owner: "road",
    steps: &[
        (1, "road", include_str!("../migrations/0001_road.sql")),
        (2, "ledger", include_str!("../migrations/0002_ledger.sql")),
        (3, "retention", include_str!("../migrations/0003_retention.sql")),
    ],
};
