#![doc = include_str!("../README.md")]

mod error;
mod index_half;
mod inquire;
mod issue;
mod open_session;
mod own_records;
mod parties;
mod policy;
mod rotate;
mod rotation_rows;
mod routes;
mod trustees;

use std::sync::Arc;

use conversion::{Conversions, Place};
use house::{BoxFuture, ConfigError, HasHouse, House, Room, Running, Settings, StartError};
use world::World;

use crate::trustees::Trustees;

/// The room's state.
pub struct Linkage {
    house: Arc<House>,
    conversions: Conversions,
    /// The trustee's replicas.
    trustees: Arc<Trustees>,
    /// Held while a session of the portal is opened, so that two acts do not open two.
    opening: tokio::sync::Mutex<()>,
    /// One step of a rotation at a time.
    rotating: tokio::sync::Mutex<()>,
}

/// The state as handlers get it.
#[derive(Clone)]
struct Here(Arc<Linkage>);

impl HasHouse for Here {
    fn house(&self) -> &Arc<House> {
        &self.0.house
    }
}

impl conversion::HasConversions for Here {
    fn conversions(&self) -> &Conversions {
        &self.0.conversions
    }
}

/// The room, for the binary.
pub struct LinkageRoom;

impl Room for LinkageRoom {
    fn name(&self) -> &'static str {
        "linkage"
    }

    fn table(&self) -> Vec<wire::RouteLine> {
        routes::routes().into_iter().map(|route| route.line).collect()
    }

    fn check(&self, settings: &Settings) -> Result<(), ConfigError> {
        settings.own::<conversion::Choice>()?.check().map(|_| ())
    }

    fn migrations(&self) -> ::store::Migrations {
        conversion::MIGRATIONS
    }

    fn start(&self, settings: Settings, world: World) -> BoxFuture<'_, Result<Running, StartError>> {
        Box::pin(async move {
            self.check(&settings)?;
            let house = House::open("linkage", &settings, world, conversion::MIGRATIONS).await?;
            house.follow_directory().await?;
            house.follow_law().await?;
            let choice: conversion::Choice = settings.own()?;
            if choice.scheme != house.country.scheme {
                return Err(StartError::Scheme(
                    "設定の `scheme` は、この国の儀式で決めた方式と違います。方式を変えるには、新しい国として儀式を行ってください。",
                    "`scheme` of the configuration is not the one of this country's ceremony; another scheme needs a ceremony of its own",
                ));
            }
            let conversions = Conversions::open(&house, Place::First).await?;
            let (opening, rotating) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
            let trustees = Arc::new(Trustees::new(&house));
            tokio::spawn(Arc::clone(&trustees).look_after());
            let house_of = Arc::clone(&house);
            let linkage = Arc::new(Linkage { house: house_of, conversions, trustees, opening, rotating });
            tokio::spawn(Arc::clone(&linkage).retire_ended_epochs());
            let running =
                house::serve(&house, &settings, routes::routes(), Here(Arc::clone(&linkage))).await?;
            // Index entries must have where to go even where the portal is away.
            house::keep_session_open(&house, move || {
                let linkage = Arc::clone(&linkage);
                async move { linkage.renew_portal_session().await.map_err(|problem| problem.reason) }
            });
            Ok(running)
        })
    }
}
