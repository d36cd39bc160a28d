//! Binding and serving the sides of a room, and the work in its background.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::directory::Entry;
use road::{Delivery, Record};
use wire::{Bound, Insiders, Notes, Rejection, Route, Side};
use words::PartyId;

use crate::config::Settings;
use crate::operators::{Staff, Visitors};
use crate::room::{Running, StartError};
use crate::{BoxFuture, HasHouse, House};

/// How long a receiver of a parcel is given.
const CARRIED_WITHIN: Duration = Duration::from_secs(10);

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

    fn served(&self, side: Side, status: u16) {
        self.0.served.count(side, status);
    }
}

/// Serves a room: binds its sides, carries the outbox, polls the documents it needs.
pub async fn serve<S: HasHouse>(
    house: &Arc<House>,
    settings: &Settings,
    routes: Vec<Route<S>>,
    state: S,
) -> Result<Running, StartError> {
    let bind = async |address| Bound::at(address).await.map_err(|error| StartError::Listen(address, error));
    let (outer, inner) = (bind(settings.common.outer).await?, bind(settings.common.inner).await?);
    let listen = |bound: &Bound, wanted| bound.address().map_err(|error| StartError::Listen(wanted, error));
    let pages = match &settings.common.pages {
        Some(pages) => Some((bind(pages.listen).await?, pages)),
        None => None,
    };
    let pages_at = match &pages {
        Some((bound, pages)) => Some(listen(bound, pages.listen)?),
        None => None,
    };
    let running = Running {
        id: house.id.clone(),
        outer: listen(&outer, settings.common.outer)?,
        inner: listen(&inner, settings.common.inner)?,
        pages: pages_at,
        house: Arc::clone(house),
    };
    let _ = house.table.set(routes.iter().map(|route| route.line.clone()).collect());
    let mut of_side: [Vec<Route<S>>; 3] = Default::default();
    for route in routes {
        let [outer, inner, pages] = &mut of_side;
        match route.line.side {
            Side::Outer => outer.push(route),
            Side::Inner => inner.push(route),
            Side::Pages => pages.push(route),
            // Served by the room that has one: `serve_public`.
            Side::Public => {}
        }
    }
    let [outer_routes, inner_routes, pages_routes] = of_side;
    let notes: Arc<dyn Notes> = Arc::new(Doorkeeper(Arc::clone(house)));
    let router = |side, routes, insiders: Arc<dyn Insiders>| {
        let callers = Arc::clone(house) as Arc<dyn wire::Callers>;
        wire::router(side, routes, state.clone(), callers, insiders, Arc::clone(&notes))
    };
    let staff: Arc<dyn Insiders> = Arc::new(Staff(Arc::clone(house)));
    let outer_router = router(Side::Outer, outer_routes, Arc::clone(&staff));
    let inner_router = router(Side::Inner, inner_routes, staff);
    if let (Some((bound, pages)), Some(at)) = (pages, pages_at) {
        let router = router(Side::Pages, pages_routes, Arc::new(Visitors(Arc::clone(house))));
        let (site, tls) = house.site(settings, pages, at, S::nav())?;
        let router = pages::wrap(router, site);
        let shutdown = house.world.shutdown.clone();
        tokio::spawn(async move { wire::serve_pages(bound, tls.as_ref(), router, shutdown).await });
    }
    let shutdown = house.world.shutdown.clone();
    let identity = house.peers.identity().clone();
    tokio::spawn({
        let (identity, notes, shutdown) = (identity.clone(), Arc::clone(&notes), shutdown.clone());
        async move {
            if let Err(error) = wire::serve_outer(outer, &identity, outer_router, notes, shutdown).await {
                tracing::error!(%error, "the outer side cannot be served");
            }
        }
    });
    tokio::spawn(async move {
        if let Err(error) = wire::serve_inner(inner, &identity, inner_router, notes, shutdown).await {
            tracing::error!(%error, "the inner side cannot be served");
        }
    });
    carry(house);
    house.keep_ledger();
    house.keep_certificate();
    Ok(running)
}

/// Serves a room's public side: plain HTTP, nothing written down of who asks.
pub async fn serve_public<S: HasHouse>(
    address: SocketAddr,
    routes: Vec<Route<S>>,
    state: S,
) -> Result<(), StartError> {
    let bound = Bound::at(address).await.map_err(|error| StartError::Listen(address, error))?;
    let house = Arc::clone(state.house());
    let shutdown = house.world.shutdown.clone();
    let served = move |status| house.served.count(Side::Public, status);
    tokio::spawn(wire::serve_plain(bound, wire::public_router(routes, state, served), shutdown));
    Ok(())
}

/// Carries the room's parcels to their receivers.
fn carry(house: &Arc<House>) {
    let carrier = Arc::clone(house);
    let carried = Arc::clone(&house.road).carry_parcels(move |to, path, body| {
        let house = Arc::clone(&carrier);
        async move {
            for receiver in receivers(&house, &to, &path) {
                let body = body.clone();
                match house.post_bytes::<serde_json::Value>(&receiver, &path, body, CARRIED_WITHIN).await {
                    Ok(_) => return Delivery::Taken,
                    Err(error) => {
                        tracing::warn!(to = %receiver.id, path, %error, "a parcel was not taken and will be carried again");
                    }
                }
            }
            Delivery::Later
        }
    });
    tokio::spawn(carried);
}

/// Who may take a parcel: whom it is for, and of index entries, which any replica of the trustee can finish, the others after it.
fn receivers(house: &House, to: &PartyId, path: &str) -> Vec<Entry> {
    let others = match path {
        protocol::index::HALF_PATH => house.trustees().unwrap_or_default(),
        _ => Vec::new(),
    };
    let others = others.into_iter().filter(|other| other.id != *to);
    house.party(to).into_iter().chain(others).collect()
}
