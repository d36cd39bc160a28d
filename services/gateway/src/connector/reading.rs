//! The reading of bytes by a connector's configuration, apart from where they come from.

use std::collections::BTreeMap;

use super::{Columns, ConnectorConfig, Customer, ItemConfig, csv_files, http_service};
use crate::rehearsal::OwnCustomer;

/// A connector's columns and items.
pub(crate) struct Reading {
    columns: Columns,
    items: BTreeMap<String, ItemConfig>,
    /// A service's fields for its customers and the next page; none for a file.
    page: Option<(String, String)>,
}

impl Reading {
    pub(crate) fn new(config: ConnectorConfig) -> Self {
        match config {
            ConnectorConfig::Csv { columns, items, .. } | ConnectorConfig::Sqlite { columns, items, .. } => {
                Self { columns, items, page: None }
            }
            ConnectorConfig::Http { columns, items, rows, next, .. } => {
                Self { columns, items, page: Some((rows, next)) }
            }
        }
    }

    pub(crate) fn customers(&self, bytes: &[u8]) -> Result<(Vec<OwnCustomer>, Option<String>), String> {
        let (customers, next) = match &self.page {
            Some((rows, next)) => http_service::read_page(bytes, rows, next, &self.columns)?,
            None => (csv_files::customers_in(bytes, &self.columns)?, None),
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
