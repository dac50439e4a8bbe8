//! One call to the database: a transaction with a deadline, tried again when the database asks for that.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Object, Pool, PoolError, Transaction};
use tokio_postgres::IsolationLevel;
use tokio_postgres::error::SqlState;

use super::DEADLINE;
use crate::store::{Result, StoreError};

/// How often a transaction is tried that was given up for the sake of another one.
const TRIES: u32 = 5;

/// What is done in one transaction. It may be done again from the start.
#[async_trait]
pub(super) trait Work: Send + Sync {
    type Done: Send;
    /// Whether it only reads; it then sees one state of the store.
    const READS: bool = false;

    async fn run(&self, transaction: &Transaction<'_>) -> std::result::Result<Self::Done, Fault>;
}

/// Why a transaction did not go through.
#[derive(Debug)]
pub(super) enum Fault {
    Database(tokio_postgres::Error),
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Database(error) if matches!(error.code(), Some(&(SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED))))
    }

    /// Whether the connection can be used again.
    fn leaves_connection_whole(&self) -> bool {
        match self {
            Self::Database(error) => error.as_db_error().is_some() && !error.is_closed(),
            Self::Store(_) => true,
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Database(error) => explain(&error),
        }
    }
}

/// What an error of the database means to the caller. Details and hints, which may quote values, are left out.
pub(super) fn explain(error: &tokio_postgres::Error) -> StoreError {
    let Some(problem) = error.as_db_error() else {
        return if error.to_string().starts_with("error serializing") {
            StoreError::Refused(error.to_string())
        } else {
            StoreError::Unavailable(error.to_string())
        };
    };
    let code = problem.code().code();
    let text = format!("{} (SQLSTATE {code})", problem.message());
    if is_passing(code) { StoreError::Unavailable(text) } else { StoreError::Refused(text) }
}

/// Whether an SQLSTATE tells of the database and not of what it was given: no lead is at fault, and all of them may be taken later.
fn is_passing(code: &str) -> bool {
    const CLASSES: [&str; 11] = [
        "08", // connections
        "28", // who we are: a password that is being rotated
        "3D", // the database is not there
        "3F", // nor its schema
        "40", // transactions given up
        "42", // tables or rights that are not there: a restore under way, another database
        "53", // resources
        "55", // locks and states that are in the way
        "57", // the operator's hand
        "58", // the system
        "XX", // faults of the server
    ];
    // And a server that went read-only in a fail-over.
    CLASSES.iter().any(|class| code.starts_with(class)) || code == "25006"
}

/// A connection that is thrown away unless it is given back: after a deadline nobody knows what it is in the middle of.
struct Loan(Option<Object>);

impl Loan {
    fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

/// Does the work in one transaction and returns when that is on disk.
pub(super) async fn run<W: Work>(pool: &Pool, work: &W) -> Result<W::Done> {
    let tries = async {
        let mut tried = 1;
        loop {
            match once(pool, work).await {
                Err(fault) if fault.is_worth_another_try() && tried < TRIES => {
                    tokio::time::sleep(Duration::from_millis(5 << tried)).await;
                    tried += 1;
                }
                outcome => return outcome.map_err(StoreError::from),
            }
        }
    };
    tokio::time::timeout(DEADLINE, tries)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer from the database within 10 seconds".into())))
}

async fn once<W: Work>(pool: &Pool, work: &W) -> std::result::Result<W::Done, Fault> {
    let mut loan = Loan(Some(pool.get().await.map_err(no_connection)?));
    let outcome = transact(&mut loan, work).await;
    if outcome.as_ref().err().is_none_or(Fault::leaves_connection_whole) {
        loan.give_back();
    }
    outcome
}

async fn transact<W: Work>(loan: &mut Loan, work: &W) -> std::result::Result<W::Done, Fault> {
    let connection = loan.0.as_mut().ok_or_else(|| StoreError::Unavailable("the connection is gone".into()))?;
    let mut transaction = connection.build_transaction();
    if W::READS {
        transaction = transaction.read_only(true).isolation_level(IsolationLevel::RepeatableRead);
    }
    let transaction = transaction.start().await?;
    match work.run(&transaction).await {
        Ok(done) => {
            transaction.commit().await?;
            Ok(done)
        }
        Err(fault) => {
            if fault.leaves_connection_whole() {
                transaction.rollback().await?;
            }
            Err(fault)
        }
    }
}

fn no_connection(error: PoolError) -> Fault {
    Fault::Store(match error {
        PoolError::Backend(error) => explain(&error),
        PoolError::Timeout(_) => StoreError::Unavailable("no connection to the database was free within 5 seconds".into()),
        other => StoreError::Unavailable(format!("no connection to the database: {other}")),
    })
}

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn what_no_lead_has_caused_passes_and_what_a_value_has_caused_does_not() {
        let passing = ["08006", "25006", "28000", "28P01", "3D000", "3F000", "40001", "42501", "42P01", "53300", "57P03", "58030", "XX000"];
        assert_eq!(passing.into_iter().filter(|code| !is_passing(code)).collect::<Vec<_>>(), [""; 0]);
        let refused = ["22021", "22P02", "23502", "23505", "23514", "54000"];
        assert_eq!(refused.into_iter().filter(|code| is_passing(code)).collect::<Vec<_>>(), [""; 0]);
    }
}
