//! The institutions, each with its own data in its own shape.

mod bank;
mod care_home;
mod clinic;
mod hospital;
mod insurer;
mod labour;
mod neighbour;
mod pension;
mod scholarship;
mod tax;
mod town;
mod welfare;

pub(crate) use bank::BANK;
pub(crate) use care_home::CARE_HOME;
pub(crate) use clinic::CLINIC;
pub(crate) use hospital::HOSPITAL;
pub(crate) use insurer::INSURER;
pub(crate) use labour::LABOUR;
pub(crate) use neighbour::NEIGHBOUR;
pub(crate) use pension::PENSION;
pub(crate) use scholarship::SCHOLARSHIP;
pub(crate) use tax::TAX;
pub(crate) use town::TOWN;
pub(crate) use welfare::WELFARE;
