use crate::given::*;

async fn may(store: &Shared, probe: &str, until: i64, now: i64) -> bool {
    store.probe("crm", probe, at(until), at(now)).await.unwrap()
}

crate::sentences! {
    async fn one_at_a_time_may_probe_an_endpoint_until_its_time_is_over(store: Shared) {
        assert!(may(&store, "a", 10, 0).await);
        assert!(!may(&store, "b", 15, 5).await);
        assert!(!may(&store, "b", 15, 9).await);
        assert!(may(&store, "b", 15, 10).await, "whoever had leave may be gone");
        assert!(!may(&store, "a", 30, 11).await);
        assert!(store.probe("other", "a", at(30), at(11)).await.unwrap(), "another endpoint is another matter");
    }

    async fn who_may_probe_changes_the_end_and_gives_leave_back(store: Shared) {
        assert!(may(&store, "a", 10, 0).await);
        assert!(may(&store, "a", 20, 5).await);
        assert!(!may(&store, "b", 30, 15).await);
        assert!(may(&store, "a", 16, 16).await);
        assert!(may(&store, "b", 30, 16).await);
        assert!(!may(&store, "a", 17, 17).await, "what was not had is not given back");
        assert!(!may(&store, "c", 40, 20).await);
    }

    async fn of_many_that_ask_at_once_one_may(store: Shared) {
        let asked = (0..16).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { may(&store, &format!("router-{number}"), 10, 0).await })
        });
        let answers = futures::future::join_all(asked).await;
        assert_eq!(answers.into_iter().filter(|answer| *answer.as_ref().unwrap()).count(), 1);
    }
}
