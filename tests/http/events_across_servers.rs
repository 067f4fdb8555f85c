//! Event streams of several servers on one database: a change is told wherever it was committed.

use std::time::Duration;

use crate::harness::{Database, TestServer, User, create, on_both_databases};

on_both_databases!(a_change_is_told_on_the_other_server, without_messages_polling_does_it,);

/// Each of two servers tells what was committed on the other, in order.
fn hear_each_other(one: &TestServer, two: &TestServer, ada: &User) {
    let ada_on_two = two.welcome(ada);
    let mut streams = [ada.events(), ada_on_two.events()];
    for round in 0..5 {
        for user in [ada, &ada_on_two] {
            let names: Vec<String> = (0..3).map(|number| format!("op_{round}_{number}")).collect();
            let answer = user.batch().with_all(names.iter().map(|name| create(name))).send().expect(200);
            for stream in &mut streams {
                for name in &names {
                    assert_eq!(stream.change()["document_id"], answer.document_id(name));
                }
            }
        }
    }
    for stream in &mut streams {
        stream.expect_silence(Duration::from_millis(500));
    }
    for server in [one, two] {
        assert!(!server.log().contains("interrupted"), "{}", server.log());
    }
}

/// Whether the server has received messages from the other one.
fn has_received(server: &TestServer) -> bool {
    server.client().get("/metrics").text().contains("landfall_server_messages_total{direction=\"received\"}")
}

fn a_change_is_told_on_the_other_server(database: Database) {
    let one = TestServer::start(database);
    let two = one.start_beside();
    let ada = one.register("ada");
    hear_each_other(&one, &two, &ada);
    for server in [&one, &two] {
        assert_eq!(has_received(server), database == Database::Postgres);
    }
}

fn without_messages_polling_does_it(database: Database) {
    let one = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_NOTIFY", "false")]);
    let two = one.start_beside();
    let ada = one.register("ada");
    hear_each_other(&one, &two, &ada);
    assert!(!has_received(&one) && !has_received(&two));
}

#[test]
fn streams_survive_a_failover() {
    let one = TestServer::start(Database::Postgres);
    let two = one.start_beside();
    let ada = one.register("ada");
    let mut stream = two.welcome(&ada).events();
    for round in 0..3 {
        one.cut_database_connections();
        let batch = ada.batch().device("laptop").with(create(&format!("op_{round}")));
        // Requests that meet a connection that was cut are told to come again.
        let answers = std::iter::repeat_with(|| {
            std::thread::sleep(Duration::from_millis(20));
            batch.clone().send()
        });
        let answer = answers.take(1_000).find(|answer| answer.status == 200).expect("it recovers");
        assert_eq!(stream.change()["document_id"], answer.document_id(&format!("op_{round}")));
    }
}
