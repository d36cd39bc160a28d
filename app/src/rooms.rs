//! The list of rooms. A new room is one line here and one in `Cargo.toml`.

use house::Room;

/// Every room the binary can run.
pub const ROOMS: &[&dyn Room] = &[
    &authority::AuthorityRoom,
    &oversight::OversightRoom,
    &linkage::LinkageRoom,
    &trustee::TrusteeRoom,
    &portal::PortalRoom,
    &registry::RegistryRoom,
    &research::ResearchRoom,
    &gateway::GatewayRoom,
];

/// The room of that name.
pub fn room(name: &str) -> Option<&'static dyn Room> {
    ROOMS.iter().copied().find(|room| room.name() == name)
}
