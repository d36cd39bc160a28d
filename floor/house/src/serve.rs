//! Binding and serving both sides of a room, and the work in its background.

use std::sync::Arc;
use std::time::Duration;

use road::{Delivery, Record};
use wire::{Bound, Notes, Rejection, Route, Side};

use crate::config::Settings;
use crate::room::{Running, StartError};
use crate::{BoxFuture, House};

/// Writes rejections into the room's records.
struct Doorkeeper(Arc<House>);

impl Notes for Doorkeeper {
    fn note(&self, rejection: Rejection) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let mut record = Record::new();
            record.set("caller", &rejection.caller).set("route", &rejection.route).set("decision", "refused");
            record.set("reason", rejection.reason.as_str());
            let noted = self.0.road.note("door", record).await;
            noted.inspect_err(|error| tracing::error!(%error, "a rejection could not be recorded")).is_ok()
        })
    }
}

/// Serves a room: binds both sides, carries the outbox, polls the documents it needs.
pub async fn serve<S>(
    house: &Arc<House>,
    settings: &Settings,
    routes: Vec<Route<S>>,
    state: S,
) -> Result<Running, StartError>
where
    S: Clone + Send + Sync + 'static,
{
    let bind = async |address| Bound::at(address).await.map_err(|error| StartError::Listen(address, error));
    let (outer, inner) = (bind(settings.common.outer).await?, bind(settings.common.inner).await?);
    let listen = |bound: &Bound, wanted| bound.address().map_err(|error| StartError::Listen(wanted, error));
    let running = Running {
        id: house.id.clone(),
        outer: listen(&outer, settings.common.outer)?,
        inner: listen(&inner, settings.common.inner)?,
        house: Arc::clone(house),
    };
    let (outer_routes, inner_routes): (Vec<_>, Vec<_>) =
        routes.into_iter().partition(|route| route.line.side == Side::Outer);
    let notes: Arc<dyn Notes> = Arc::new(Doorkeeper(Arc::clone(house)));
    let router = |side, routes| {
        wire::router(
            side,
            routes,
            state.clone(),
            Arc::clone(house) as Arc<dyn wire::Callers>,
            Arc::clone(&house.inner_keys),
            Arc::clone(&notes),
        )
    };
    let (outer_router, inner_router) = (router(Side::Outer, outer_routes), router(Side::Inner, inner_routes));
    let shutdown = house.world.shutdown.clone();
    let identity = house.peers.identity().clone();
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            if let Err(error) = wire::serve_outer(outer, &identity, outer_router, notes, shutdown).await {
                tracing::error!(%error, "the outer side cannot be served");
            }
        }
    });
    tokio::spawn(wire::serve_inner(inner, inner_router, shutdown));
    carry(house);
    house.keep_ledger();
    Ok(running)
}

/// Carries the room's parcels to their receivers.
fn carry(house: &Arc<House>) {
    let carrier = Arc::clone(house);
    let carried = Arc::clone(&house.road).carry_parcels(move |to, path, body| {
        let house = Arc::clone(&carrier);
        async move {
            let Ok(entry) = house.party(&to) else { return Delivery::Later };
            match house.post_bytes::<serde_json::Value>(&entry, &path, body, Duration::from_secs(10)).await {
                Ok(_) => Delivery::Taken,
                Err(error) => {
                    tracing::warn!(%to, path, %error, "a parcel was not taken and will be carried again");
                    Delivery::Later
                }
            }
        }
    });
    tokio::spawn(carried);
}
