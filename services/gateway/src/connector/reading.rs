//! The reading of bytes by a connector's configuration, apart from where they come from.

use std::collections::BTreeMap;

use super::{Columns, ConnectorConfig, Customer, Encoding, ItemConfig, Separator, csv_files, http_service};
use crate::rehearsal::OwnCustomer;

/// A connector's columns and items.
pub(crate) struct Reading {
    columns: Columns,
    items: BTreeMap<String, ItemConfig>,
    source: Source,
}

/// What the bytes are.
enum Source {
    /// A CSV file.
    File(csv_files::Shape),
    /// A service's page: its fields for the customers and the next page.
    Page { rows: String, next: String },
}

impl Reading {
    pub(crate) fn new(config: ConnectorConfig) -> Self {
        match config {
            ConnectorConfig::Csv { columns, items, encoding, separator, .. } => {
                Self { columns, items, source: Source::File(csv_files::Shape { encoding, separator }) }
            }
            ConnectorConfig::Http { columns, items, rows, next, .. } => {
                Self { columns, items, source: Source::Page { rows, next } }
            }
            // A database is read by its own engine: bytes of one are taken for a table of its customers.
            ConnectorConfig::Sqlite { columns, items, .. } => {
                let shape = csv_files::Shape { encoding: Encoding::Utf8, separator: Separator::default() };
                Self { columns, items, source: Source::File(shape) }
            }
        }
    }

    pub(crate) fn customers(&self, bytes: &[u8]) -> Result<(Vec<OwnCustomer>, Option<String>), String> {
        let (customers, next) = match &self.source {
            Source::Page { rows, next } => http_service::read_page(bytes, rows, next, &self.columns)?,
            Source::File(shape) => (csv_files::customers_in(bytes, *shape, &self.columns)?, None),
        };
        Ok((customers.into_iter().map(|customer| self.shown(customer)).collect(), next))
    }

    pub(crate) fn one(&self, bytes: &[u8]) -> Result<Option<OwnCustomer>, String> {
        Ok(http_service::read_one(bytes, &self.columns)?.map(|customer| self.shown(customer)))
    }

    fn shown(&self, customer: Customer) -> OwnCustomer {
        let item = |(id, config): (&String, &ItemConfig)| Some((id.clone(), config.value(&customer.fields)?));
        let items = self.items.iter().filter_map(item).collect();
        let Customer { number, attributes, shielded, .. } = customer;
        OwnCustomer { number, attributes, shielded, items }
    }
}
