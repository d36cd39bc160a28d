//! Order, repeats, refusals, crashes.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_act_is_recorded_twice_and_a_repeat_gets_the_same_reply() {
    each_engine("road_repeat", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        assert_eq!(road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap(), b"1");
        assert_eq!(road.travel(arrival(1, b"a"), knock(&acted)).await.unwrap(), b"1");
        assert_eq!(acted.load(Ordering::SeqCst), 1, "a repeat does not act again");
        let leaves = road.leaves(Some(ActId::new([1; 16]))).await.unwrap();
        assert_eq!(leaves.iter().map(|leaf| leaf.step.as_str()).collect::<Vec<_>>(), ["decision", "outcome"]);
        for leaf in &leaves {
            let salt: [u8; 32] = leaf.salt.clone().try_into().unwrap();
            assert_eq!(leaf_hash(&salt, &leaf.record.canonical()).to_vec(), leaf.hash);
        }
        assert_eq!(leaves[0].record.field("decision").unwrap(), "permitted");
        assert_eq!(road.parcels_waiting().await.unwrap(), 0, "the act delivered what was held");
        // Other bytes, or another caller, under the same id.
        assert_eq!(road.travel(arrival(1, b"b"), knock(&acted)).await.unwrap_err().reason, Reason::Replayed);
        let other = Arrival { caller: "tax".into(), ..arrival(1, b"a") };
        assert_eq!(road.travel(other, knock(&acted)).await.unwrap_err().reason, Reason::Replayed);
        let steps: Vec<_> = road.leaves(None).await.unwrap().into_iter().map(|leaf| leaf.step).collect();
        assert_eq!(steps, ["decision", "outcome", "replayed", "replayed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_act_at_the_same_time_acts_once() {
    each_engine("road_race", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (road, knock) = (Arc::clone(&road), knock(&acted));
            all.spawn(async move { road.travel(arrival(2, b"a"), knock).await.unwrap() });
        }
        while let Some(reply) = all.join_next().await {
            assert_eq!(reply.unwrap(), b"1");
        }
        assert_eq!(acted.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_recorded_and_their_parcels_go() {
    each_engine("road_refused", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        let refused = |shaped| Knock { allowed: false, shaped, ..knock(&acted) };
        assert_eq!(
            road.travel(arrival(3, b"a"), refused(false)).await.unwrap_err().reason,
            Reason::NotAllowed
        );
        assert_eq!(
            road.travel(arrival(3, b"a"), refused(false)).await.unwrap_err().reason,
            Reason::NotAllowed
        );
        assert_eq!(road.travel(arrival(4, b"a"), refused(true)).await.unwrap(), b"shaped");
        assert_eq!(acted.load(Ordering::SeqCst), 0);
        assert_eq!(road.parcels_waiting().await.unwrap(), 2);
        let counted: Vec<_> = road
            .summary()
            .await
            .unwrap()
            .into_iter()
            .map(|line| (line.state, line.reason, line.count))
            .collect();
        assert_eq!(counted, [("refused".into(), Some("not_allowed".into()), 2)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_again_and_releases_what_was_held() {
    each_engine("road_failed", async |road, _, _| {
        let acted = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let stop =
                road.travel(arrival(5, b"a"), Knock { fail: true, ..knock(&acted) }).await.unwrap_err();
            assert_eq!((stop.reason, stop.detail.as_str()), (Reason::Unavailable, "nobody home"));
        }
        assert_eq!(acted.load(Ordering::SeqCst), 1);
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let carrier = tokio::spawn(Arc::clone(&road).carry_parcels(move |to, path, body| {
            // Refused once, taken the second time.
            let delivery =
                if count.fetch_add(1, Ordering::SeqCst) == 0 { Delivery::Later } else { Delivery::Taken };
            async move {
                assert_eq!((to.as_str(), path.as_str(), body.as_slice()), ("portal", "/index", &b"{}"[..]));
                delivery
            }
        }));
        for _ in 0..200 {
            if road.parcels_waiting().await.unwrap() == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(road.parcels_waiting().await.unwrap(), 0);
        assert_eq!(seen.load(Ordering::SeqCst), 2);
        carrier.abort();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_open_ends_as_unknown() {
    each_engine("road_crash", async |road, location, key| {
        struct Hang(Knock);
        impl Verb for Hang {
            const NAME: &'static str = "hang";
            type Permit = Permit<Operate>;
            type Acted = usize;
            fn decide(&self, pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
                self.0.decide(pace, now)
            }
            fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
                self.0.record(decided)
            }
            fn parcels(&self, decided: Result<&Self::Permit, &Refused>) -> Vec<Parcel> {
                self.0.parcels(decided)
            }
            async fn act(&self, _permit: &Self::Permit) -> Result<usize, Failure> {
                std::future::pending().await
            }
            fn protect(&self, permit: &Self::Permit, acted: usize) -> Result<Protected, Failure> {
                self.0.protect(permit, acted)
            }
        }
        let acted = Arc::new(AtomicUsize::new(0));
        let hanging = tokio::spawn({
            let (road, verb) = (Arc::clone(&road), Hang(knock(&acted)));
            async move { road.travel(arrival(6, b"a"), verb).await }
        });
        while road.leaves(None).await.unwrap().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        hanging.abort();
        // The next run of the same room.
        let again =
            Arc::new(Road::new(store::Db::open(&location, &[MIGRATIONS]).await.unwrap(), key, World::real()));
        assert_eq!(again.recover().await.unwrap(), 1);
        assert_eq!(again.recover().await.unwrap(), 0);
        let leaves = again.leaves(Some(ActId::new([6; 16]))).await.unwrap();
        assert_eq!(leaves[1].record.field("outcome").unwrap(), "unknown");
        assert_eq!(again.summary().await.unwrap()[0].state, "unknown");
        // The same act again is told that it did not come through; it is not done a second time.
        assert_eq!(
            again.travel(arrival(6, b"a"), Hang(knock(&acted))).await.unwrap_err().reason,
            Reason::Unavailable
        );
    })
    .await;
}
