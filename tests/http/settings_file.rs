//! The settings file as the program reads it: what is stronger than it, and how it is refused.

use crate::harness::server::run_program;

/// The folder that `landfall migrate` made its database in.
fn migrated(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let (status, output, errors) = run_program(&[&["migrate"], arguments].concat(), settings);
    assert!(status.success(), "{errors}");
    let url = output.lines().last().unwrap().strip_suffix("/landfall.db is up to date").unwrap();
    url.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn a_flag_is_stronger_than_the_environment_and_that_than_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let file = place("landfall.toml");
    // What is another command's is known and left alone.
    std::fs::write(&file, format!("data_dir = \"{}\"\nmax_operations = 7\n", place("from-file"))).unwrap();
    let environment = place("from-environment");
    let named = ("LANDFALL_CONFIG", file.as_str());
    assert_eq!(migrated(&["--config", &file], &[]), "from-file");
    assert_eq!(migrated(&[], &[named]), "from-file");
    assert_eq!(migrated(&[], &[named, ("LANDFALL_DATA_DIR", &environment)]), "from-environment");
    let flag = ["--data-dir", &place("from-flag")];
    assert_eq!(migrated(&flag, &[named, ("LANDFALL_DATA_DIR", &environment)]), "from-flag");
}

#[test]
fn a_misspelt_setting_ends_the_start_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("landfall.toml");
    std::fs::write(&file, "max_operation = 7\n").unwrap();
    let (status, output, errors) = run_program(&["serve", "--config", file.to_str().unwrap()], &[]);
    assert_eq!((status.code(), output.as_str()), (Some(2), ""));
    let line = format!("error: {}: max_operation is not a setting; did you mean max_operations?\n", file.display());
    assert_eq!(errors, line);
}
