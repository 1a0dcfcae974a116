//! Probes of an instance: how many ends in a row decide, and what is refused because it cannot be tried.

mod stage;

use stage::{Stage, spec};
use supervise::{Action, Answer, Desired, Event, Probe, ProbeKind, Probes, Supervisor};

/// The state of a target as it was kept on disk when a probe was a path and nothing else.
const OLD: &str = r#"{"uid":"u","epoch":1,"generation":3,"holder":null,"lease":null,"latches":[],"promotions":[{"run":"first","at":1,"generation":3}],"keys":[["first/1",1],["first/2",2],["first/3",3]],"stable":"r-ccf653359b0e","weights":{"r-ccf653359b0e":100},"revisions":{"r-ccf653359b0e":{"spec":{"version":"1","artifact":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","source":"/a","args":["1"],"env":{},"instances":1,"memory_limit_bytes":null,"probes":{"ready":{"path":"/ready","every_ms":1000,"timeout_ms":100,"failures":1},"live":{"path":"/live","every_ms":1000,"timeout_ms":100,"failures":1}},"drain_max_ms":1000},"by":"first","wanted":true,"retain_until":null,"artifact":{"kept":{"path":"/kept"}},"fetches":1,"slots":[{"n":0,"serving":{"incarnation":1,"life":"ready","process":{"pid":1,"start_time":1,"port":1},"unready_checks":0,"dead_checks":0,"steady_at":30001},"replacement":null,"leaving":[],"back_off_ms":250,"retry_at":null,"give_up_at":null,"failed_checks":0,"crashes":0,"restarts":0,"restarts_wanted":0}]}},"incarnations":1,"routed":{"generation":3,"shares":[{"revision":"r-ccf653359b0e","weight":100,"upstreams":[{"slot":0,"incarnation":1,"port":1}]}]}}"#;

/// Kubernetes' `successThreshold`: that many in a row, and a failure begins anew.
#[test]
fn an_instance_is_ready_after_enough_successes_in_a_row() {
    let mut three = spec("1", 1);
    three.probes.ready.successes = 3;
    let mut stage = Stage::new();
    let epoch = stage.acquire("a", false).unwrap();
    stage.order("a", epoch, "1", Desired::Running { spec: Box::new(three.clone()) });
    while let Some(event) = stage.willing() {
        stage.tell(event);
    }
    let instance = stage.procs[0].id.clone();
    let mut ready_after = |ends: &[bool]| {
        for ok in ends {
            stage.tell(Event::Probed { instance: instance.clone(), probe: ProbeKind::Ready, ok: *ok });
        }
        stage.machine.view(stage.now).revisions[&three.id()].ready()
    };
    assert_eq!(ready_after(&[true, true]), 0);
    assert_eq!(ready_after(&[false, true, true]), 0, "a failure begins anew");
    assert_eq!(ready_after(&[true]), 1);
    assert_eq!(ready_after(&[false]), 0, "one failure is enough here");
    assert_eq!(ready_after(&[true, true]), 0, "also after it was ready once");
    assert_eq!(ready_after(&[true]), 1);
}

#[test]
fn a_probe_that_cannot_be_tried_is_refused() {
    let mut stage = Stage::new();
    let epoch = stage.acquire("a", false).unwrap();
    let mut refused = |change: fn(&mut Probes)| {
        let mut bad = spec("1", 1);
        change(&mut bad.probes);
        stage.order("a", epoch, "1", Desired::Running { spec: Box::new(bad) })
    };
    let changes: [fn(&mut Probes); 9] = [
        |probes| probes.ready.action = Action::Http("ready".into()),
        |probes| probes.ready.action = Action::Http("/a b".into()),
        |probes| probes.ready.action = Action::Command(vec![]),
        |probes| probes.ready.action = Action::Command(vec![String::new()]),
        |probes| probes.ready.action = Action::Command(vec!["a".into(), "b\0".into()]),
        |probes| probes.ready.action = Action::Grpc("a\nb".into()),
        |probes| probes.ready.successes = 0,
        |probes| probes.live.iter_mut().for_each(|live| live.successes = 2),
        |probes| probes.live.iter_mut().for_each(|live| live.grace_ms = 3_600_001),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        assert!(matches!(refused(change), Answer::Refused { .. }), "{n}");
    }
    let good = refused(|probes| {
        probes.ready.action = Action::Tcp;
        probes.live = Some(Probe::new(Action::Command(vec!["true".into()])));
    });
    assert!(matches!(good, Answer::Accepted { .. }), "{good:?}");
}

#[test]
fn the_state_of_an_older_target_is_read_and_kept_as_it_was() {
    let old: Supervisor = serde_json::from_str(OLD).unwrap();
    assert_eq!(serde_json::to_string(&old).unwrap(), OLD);
    assert_eq!(
        old,
        Stage::with_stable(&spec("1", 1)).machine,
        "and it is the state that the rules reach today"
    );
}
