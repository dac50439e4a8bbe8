//! What a store holds, read past the process that keeps it.

use std::collections::BTreeMap;
use std::path::Path;

use uuid::Uuid;

use crate::support::postgres::connect;

const LEADS: &str = "SELECT id, state, coalesce(reason, '') FROM leads";
const DELIVERIES: &str = "SELECT lead, number, recipient, state FROM deliveries";
const HOLDS: &str = "SELECT lead, number, recipient, cap_window, amount, cast(keep AS integer) FROM holds";
const USAGE: &str = "SELECT recipient, cap_window, held FROM usage WHERE held <> 0";

/// The tables of leads, deliveries and places.
pub struct Books {
    /// By id: state and reason.
    pub leads: BTreeMap<Uuid, (String, String)>,
    pub deliveries: Vec<Delivery>,
    holds: Vec<Hold>,
    /// By recipient and window.
    usage: BTreeMap<(String, String), i64>,
}

pub struct Delivery {
    pub lead: Uuid,
    pub number: i32,
    pub recipient: String,
    pub state: String,
}

struct Hold {
    lead: Uuid,
    number: i32,
    place: (String, String),
    amount: i64,
    /// Whether it stays when the delivery comes to nothing.
    keep: bool,
}

impl Books {
    /// Reads the file of an embedded store.
    pub fn of_file(file: &Path) -> Books {
        let connection = rusqlite::Connection::open(file).expect("the file can be opened");
        let rows = |statement: &str| {
            let mut statement = connection.prepare(statement).expect("the table is there");
            let columns = statement.column_count();
            let rows =
                statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect::<Result<Vec<rusqlite::types::Value>, _>>());
            rows.expect("the table can be read").collect::<Result<Vec<_>, _>>().expect("the rows can be read")
        };
        use rusqlite::types::Value::{Blob, Integer, Text};
        let bad = || panic!("a column of another type");
        let leads = rows(LEADS).into_iter().map(|row| match <[_; 3]>::try_from(row) {
            Ok([Blob(id), Text(state), Text(reason)]) => (Uuid::from_slice(&id).expect("an id"), (state, reason)),
            _ => bad(),
        });
        let deliveries = rows(DELIVERIES).into_iter().map(|row| match <[_; 4]>::try_from(row) {
            Ok([Blob(lead), Integer(number), Text(recipient), Text(state)]) => {
                Delivery { lead: Uuid::from_slice(&lead).expect("an id"), number: number as i32, recipient, state }
            }
            _ => panic!("a column of another type"),
        });
        let holds = rows(HOLDS).into_iter().map(|row| match <[_; 6]>::try_from(row) {
            Ok([Blob(lead), Integer(number), Text(recipient), Text(window), Integer(amount), Integer(keep)]) => {
                let lead = Uuid::from_slice(&lead).expect("an id");
                Hold { lead, number: number as i32, place: (recipient, window), amount, keep: keep != 0 }
            }
            _ => panic!("a column of another type"),
        });
        let usage = rows(USAGE).into_iter().map(|row| match <[_; 3]>::try_from(row) {
            Ok([Text(recipient), Text(window), Integer(held)]) => ((recipient, window), held),
            _ => panic!("a column of another type"),
        });
        Books { leads: leads.collect(), deliveries: deliveries.collect(), holds: holds.collect(), usage: usage.collect() }
    }

    /// Reads a database.
    pub async fn of_database(url: &str) -> Books {
        let client = connect(url).await.expect("the database takes connections");
        let leads = client.query(LEADS, &[]).await.expect("the table can be read");
        let deliveries = client.query(DELIVERIES, &[]).await.expect("the table can be read");
        let holds = client.query(HOLDS, &[]).await.expect("the table can be read");
        let usage = client.query(USAGE, &[]).await.expect("the table can be read");
        let delivery =
            |row: tokio_postgres::Row| Delivery { lead: row.get(0), number: row.get(1), recipient: row.get(2), state: row.get(3) };
        let hold = |row: tokio_postgres::Row| Hold {
            lead: row.get(0),
            number: row.get(1),
            place: (row.get(2), row.get(3)),
            amount: row.get(4),
            keep: row.get::<_, i32>(5) != 0,
        };
        Books {
            leads: leads.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect(),
            deliveries: deliveries.into_iter().map(delivery).collect(),
            holds: holds.into_iter().map(hold).collect(),
            usage: usage.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect(),
        }
    }

    /// How many leads are in a state, for any reason.
    pub fn count(&self, state: &str) -> usize {
        self.leads.values().filter(|(is, _)| is == state).count()
    }

    /// Who has each lead that somebody has.
    pub fn accepted(&self) -> Vec<(Uuid, &str)> {
        let accepted = self.deliveries.iter().filter(|delivery| delivery.state == "accepted");
        accepted.map(|delivery| (delivery.lead, delivery.recipient.as_str())).collect()
    }

    /// Checks that places are held by deliveries that are taken or under way, and by others only those to be kept, and that they are counted right.
    pub fn check_places(&self) {
        let mut counted: BTreeMap<(String, String), i64> = BTreeMap::new();
        for hold in &self.holds {
            let holder = self.deliveries.iter().find(|delivery| (delivery.lead, delivery.number) == (hold.lead, hold.number));
            let state = holder.map(|delivery| delivery.state.as_str());
            let may_hold = matches!(state, Some("accepted" | "open")) || state.is_some() && hold.keep;
            assert!(may_hold, "a delivery that is {state:?} holds a place of {:?}", hold.place);
            *counted.entry(hold.place.clone()).or_default() += hold.amount;
        }
        counted.retain(|_, amount| *amount != 0);
        assert_eq!(self.usage, counted, "places in use are those held");
    }

    /// Checks that every place of a recipient's window is taken by a delivery.
    pub fn check_window(&self, recipient: &str, window: &str, limit: usize) {
        let taken = self.accepted().iter().filter(|(_, by)| *by == recipient).count();
        let is_such = |place: &(String, String)| place.0 == recipient && (place.1 == window || place.1.starts_with(&format!("{window}:")));
        let held: i64 = self.usage.iter().filter(|(place, _)| is_such(place)).map(|(_, held)| held).sum();
        assert_eq!(held, taken as i64, "places of {recipient} by {window}");
        assert!(taken <= limit, "{recipient} takes {limit} by {window} and has {taken}");
    }
}
