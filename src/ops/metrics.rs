//! Every metric, in one place. Labels are bounded: names of custom resources and closed lists, never anything of a lead.

use prometheus::{Gauge, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

/// Buckets of things that take microseconds, in seconds.
const MICROS: &[f64] = &[1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2];
/// Buckets of things that take milliseconds to seconds, in seconds.
const MILLIS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The metrics of a process.
pub struct Metrics {
    registry: Registry,
    /// Answered posts, by source, outcome (`accepted`, `rejected`, `duplicate`, `error`) and the answer's code: whose fault an error is.
    pub posts: IntCounterVec,
    /// Seconds from a post's first byte to its answer, without the wait that it asked for.
    pub post_seconds: Histogram,
    /// Leads that ended or came to rest, by policy and state (`delivered`, `unmatched`), with the reason.
    pub leads: IntCounterVec,
    /// Seconds from a lead's arrival to its delivery. `held` is `yes` for leads that nobody could take at first, such as in quiet hours: they are late
    /// by rule and not by fault.
    pub lead_seconds: HistogramVec,
    /// Seconds that one decision took.
    pub decision_seconds: Histogram,
    /// Tries of deliveries, by endpoint and result (`accepted`, `duplicate`, `refused`, `throttled`, `failed`, `ambiguous`).
    pub attempts: IntCounterVec,
    /// Seconds that one try took, by endpoint.
    pub attempt_seconds: HistogramVec,
    /// 1 for the state that an endpoint's circuit is in, as this router sees it.
    pub circuit: IntGaugeVec,
    /// Trips, by endpoint and reason.
    pub trips: IntCounterVec,
    /// Transitions that could not be published, by reason (`queue_full`, `error`).
    pub circuit_unpublished: IntCounterVec,
    /// Leads waiting for a router or with one.
    pub queue_depth: IntGauge,
    /// Age in seconds of the one that has waited longest.
    pub queue_age_seconds: Gauge,
    /// Leads in the unmatched queue.
    pub unmatched: IntGauge,
    /// Leads that this router works on.
    pub in_flight: IntGauge,
    /// 1 for the digest of the rules in force.
    pub rules: IntGaugeVec,
    /// When the rules in force were loaded, as Unix time.
    pub rules_loaded: Gauge,
    /// Objects that are invalid: left out of the rules, or in them as they were last good.
    pub rules_rejected: IntGauge,
    /// Seconds that the last compile took.
    pub compile_seconds: Gauge,
    /// 1 while the connection to the source of rules (API server or folder) is well.
    pub rules_fresh: IntGauge,
    /// Calls to the store, by call and result (`ok`, `error`).
    pub store_calls: IntCounterVec,
    /// Seconds of calls to the store, by call.
    pub store_seconds: HistogramVec,
    /// How many leads shared a commit.
    pub commit_batch: Histogram,
    /// Leads that wait in the spool for the store.
    pub spool_leads: IntGauge,
    /// Bytes of the spool on disk, with what was set aside.
    pub spool_bytes: IntGauge,
    pub spool_limit: IntGauge,
    /// Seconds since the first lead in the spool arrived.
    pub spool_oldest_seconds: Gauge,
    /// What became of leads in the spool (`new`, `duplicate`, `known`, `refused`), and stretches of it that can't be read (`damaged`).
    pub spool_drained: IntCounterVec,
    /// Reconciles of the operator, by controller and result (`success`, `error`).
    pub reconciles: IntCounterVec,
    /// Reconciles of the operator that failed, by controller.
    pub reconciles_failed: IntCounterVec,
    /// Errors of the operator's reconciles, by controller and category.
    pub reconcile_errors: IntCounterVec,
    /// Seconds of reconciles, by controller.
    pub reconcile_seconds: HistogramVec,
    /// Reconciles that are under way, by controller.
    pub active_workers: IntGaugeVec,
    /// How many may be under way at once, by controller.
    pub most_workers: IntGaugeVec,
    /// Requests to the API server, by code of the answer (`<error>` without one) and method.
    pub requests: IntCounterVec,
    /// Objects by namespace, kind, condition and the condition's status.
    pub objects: IntGaugeVec,
    /// Seconds from a change of rules until every pod runs it.
    pub programmed_seconds: Histogram,
    /// 1 for a definition on the API server that is older than the program, by kind.
    pub definitions_outdated: IntGaugeVec,
    /// 1 while this operator leads, by name of the Lease.
    pub leader: IntGaugeVec,
    /// Writes to the API server, by kind of object and verb (`apply`, `status`, `delete`).
    pub writes: IntCounterVec,
}

impl Metrics {
    /// Registers all metrics in a registry of their own. Fails only on a programming error: two of one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let r = Registry::new();
        let metrics = Self {
            posts: counters(
                &r,
                "leadflow_posts_total",
                "Answered posts, by source, outcome and code of the answer.",
                &["source", "outcome", "code"],
            )?,
            post_seconds: histogram(&r, "leadflow_post_seconds", "Seconds from a post to its durable answer.", MILLIS)?,
            leads: counters(
                &r,
                "leadflow_leads_total",
                "Leads that ended or came to rest, by policy, state and reason.",
                &["policy", "state", "reason"],
            )?,
            lead_seconds: histograms(
                &r,
                "leadflow_lead_seconds",
                "Seconds from a lead's arrival to its delivery; held: whether it was unmatched before.",
                &["held"],
                MILLIS,
            )?,
            decision_seconds: histogram(&r, "leadflow_decision_seconds", "Seconds that one decision took.", MICROS)?,
            attempts: counters(
                &r,
                "leadflow_delivery_attempts_total",
                "Tries of deliveries, by endpoint and result.",
                &["endpoint", "result"],
            )?,
            attempt_seconds: histograms(
                &r,
                "leadflow_delivery_attempt_seconds",
                "Seconds that one try took, by endpoint.",
                &["endpoint"],
                MILLIS,
            )?,
            circuit: gauges(
                &r,
                "leadflow_circuit_state",
                "1 for the state that an endpoint's circuit is in, as this router sees it.",
                &["endpoint", "state"],
            )?,
            trips: counters(&r, "leadflow_circuit_trips_total", "Trips of circuits, by endpoint and reason.", &["endpoint", "reason"])?,
            circuit_unpublished: counters(
                &r,
                "leadflow_circuit_unpublished_total",
                "Transitions of circuits that were not published, by reason.",
                &["reason"],
            )?,
            queue_depth: gauge(&r, "leadflow_queue_depth", "Leads waiting for a router or with one.")?,
            queue_age_seconds: float(&r, "leadflow_queue_age_seconds", "Age of the lead that has waited longest.")?,
            unmatched: gauge(&r, "leadflow_unmatched_leads", "Leads in the unmatched queue.")?,
            in_flight: gauge(&r, "leadflow_leads_in_flight", "Leads that this router works on.")?,
            rules: gauges(&r, "leadflow_rules_info", "1 for the digest of the rules in force.", &["digest"])?,
            rules_loaded: float(&r, "leadflow_rules_loaded_timestamp_seconds", "When the rules in force were loaded, as Unix time.")?,
            rules_rejected: gauge(
                &r,
                "leadflow_rules_rejected_objects",
                "Objects that are invalid: left out of the rules, or in them as they were last good.",
            )?,
            compile_seconds: float(&r, "leadflow_rules_compile_seconds", "Seconds that the last compile of the rules took.")?,
            rules_fresh: gauge(&r, "leadflow_rules_fresh", "1 while the source of rules can be watched.")?,
            store_calls: counters(&r, "leadflow_store_calls_total", "Calls to the store, by call and result.", &["call", "result"])?,
            store_seconds: histograms(&r, "leadflow_store_call_seconds", "Seconds of calls to the store, by call.", &["call"], MILLIS)?,
            commit_batch: histogram(
                &r,
                "leadflow_commit_batch_size",
                "How many items shared a commit.",
                &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0],
            )?,
            spool_leads: gauge(&r, "leadflow_spool_leads", "Leads that wait on ingest's disk because the store is away.")?,
            spool_bytes: gauge(&r, "leadflow_spool_bytes", "Bytes of the spool on disk, with those set aside.")?,
            spool_limit: gauge(&r, "leadflow_spool_limit_bytes", "Bytes that the spool may have on disk; 0 where there is none.")?,
            spool_oldest_seconds: float(&r, "leadflow_spool_oldest_seconds", "Age of the lead that has waited longest in the spool.")?,
            spool_drained: counters(
                &r,
                "leadflow_spool_drained_total",
                "Leads that left the spool, by result; `damaged` counts stretches that can't be read.",
                &["result"],
            )?,
            reconciles: counters(
                &r,
                "controller_runtime_reconcile_total",
                "Reconciles of the operator, by controller and result.",
                &["controller", "result"],
            )?,
            reconciles_failed: counters(
                &r,
                "controller_runtime_reconcile_errors_total",
                "Reconciles of the operator that failed, by controller.",
                &["controller"],
            )?,
            reconcile_errors: counters(
                &r,
                "leadflow_reconcile_errors_total",
                "Errors of the operator's reconciles, by controller and category.",
                &["controller", "category"],
            )?,
            reconcile_seconds: histograms(
                &r,
                "controller_runtime_reconcile_time_seconds",
                "Seconds of reconciles, by controller.",
                &["controller"],
                MILLIS,
            )?,
            active_workers: gauges(
                &r,
                "controller_runtime_active_workers",
                "Reconciles that are under way, by controller.",
                &["controller"],
            )?,
            most_workers: gauges(
                &r,
                "controller_runtime_max_concurrent_reconciles",
                "How many reconciles may be under way at once, by controller.",
                &["controller"],
            )?,
            requests: counters(
                &r,
                "rest_client_requests_total",
                "Requests to the API server, by code of the answer and method.",
                &["code", "method"],
            )?,
            objects: gauges(
                &r,
                "leadflow_objects",
                "Objects, by condition and its status, as the leading operator sees them.",
                &["namespace", "kind", "condition", "status"],
            )?,
            programmed_seconds: histogram(
                &r,
                "leadflow_programmed_seconds",
                "Seconds from the operator's sight of a change until every pod runs it.",
                MILLIS,
            )?,
            definitions_outdated: gauges(
                &r,
                "leadflow_definitions_outdated",
                "1 for a definition on the API server that is older than the program, by kind.",
                &["kind"],
            )?,
            leader: gauges(&r, "leader_election_master_status", "1 while this operator leads, by name of the Lease.", &["name"])?,
            writes: counters(&r, "leadflow_api_writes_total", "Writes to the API server, by kind and verb.", &["kind", "verb"])?,
            registry: r,
        };
        #[cfg(target_os = "linux")]
        metrics.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(metrics)
    }

    /// All metrics in the Prometheus text format.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

fn counters(r: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    prometheus::register_int_counter_vec_with_registry!(Opts::new(name, help), labels, r)
}

fn gauges(r: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    prometheus::register_int_gauge_vec_with_registry!(Opts::new(name, help), labels, r)
}

fn gauge(r: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    prometheus::register_int_gauge_with_registry!(Opts::new(name, help), r)
}

fn float(r: &Registry, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
    prometheus::register_gauge_with_registry!(Opts::new(name, help), r)
}

fn histogram(r: &Registry, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
    prometheus::register_histogram_with_registry!(HistogramOpts::new(name, help).buckets(buckets.to_vec()), r)
}

fn histograms(r: &Registry, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> Result<HistogramVec, prometheus::Error> {
    prometheus::register_histogram_vec_with_registry!(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels, r)
}
