//! The settings file, `landfall serve --config landfall.toml`: the same settings as the flags, under the same names.
//!
//! A file's values take the place of the defaults, so that a flag and an environment variable are stronger. Everything in a
//! file must be a setting of `serve`; the other commands that take a file use what concerns them and leave the rest.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error};
use toml::{Table, Value};

/// The option that names the file.
const CONFIG: &str = "config";
/// The command whose options a file may hold.
const SERVE: &str = "serve";
/// Names at least this close to an unknown one are suggested; clap uses the same measure and bound for flags.
const ALIKE: f64 = 0.7;

/// What a command line, the environment and a settings file say together.
///
/// # Errors
/// As clap has it; `Io` if the file cannot be read; `InvalidValue` or `UnknownArgument` if it is wrong.
pub fn matches(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, Error> {
    let given = command.clone().try_get_matches_from(arguments)?;
    let Some((name, own)) = innermost(&given) else { return Ok(given) };
    let Some(path) = own.try_get_one::<PathBuf>(CONFIG).ok().flatten() else { return Ok(given) };
    let file = SettingsFile::read(path, command)?;
    let with_file = file.as_defaults(command.clone(), name, own);
    with_file.try_get_matches_from(arguments).map_err(|refused| file.explain(refused))
}

/// The command that is carried out, under its own name.
fn innermost(matches: &ArgMatches) -> Option<(&str, &ArgMatches)> {
    let (name, inner) = matches.subcommand()?;
    innermost(inner).or(Some((name, inner)))
}

struct SettingsFile {
    path: PathBuf,
    /// By the names that the options have in the code, with underscores.
    values: BTreeMap<String, Vec<String>>,
}

impl SettingsFile {
    fn read(path: &Path, command: &Command) -> Result<Self, Error> {
        let named = |reason: String| format!("{}: {reason}\n", path.display());
        let text = std::fs::read_to_string(path).map_err(|failure| {
            Error::raw(ErrorKind::Io, named(format!("the settings file cannot be read: {failure}")))
        })?;
        let table: Table = text.parse().map_err(|wrong: toml::de::Error| {
            let line =
                wrong.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.split('\n').count());
            Error::raw(ErrorKind::InvalidValue, named(format!("line {line}: {}", wrong.message())))
        })?;
        let known = settings(command);
        let mut values = BTreeMap::new();
        for (key, value) in table {
            let name = key.replace('-', "_");
            if !known.contains(&name) {
                return Err(Error::raw(ErrorKind::UnknownArgument, named(unknown(&key, &known))));
            }
            let strings = strings(&value).ok_or_else(|| {
                let reason = format!(
                    "{key} is a {}; write a text, a number, true or false, or a list of texts",
                    value.type_str()
                );
                Error::raw(ErrorKind::InvalidValue, named(reason))
            })?;
            if values.insert(name, strings).is_some() {
                return Err(Error::raw(
                    ErrorKind::InvalidValue,
                    named(format!("{key} is there twice, with - and with _")),
                ));
            }
        }
        Ok(Self { path: path.to_owned(), values })
    }

    /// The command with the file's values in the place of its defaults. A secret that is given in either way by a flag or
    /// the environment stands alone: the file's other way would contradict it.
    fn as_defaults(&self, command: Command, name: &str, given: &ArgMatches) -> Command {
        let is_given = |id: &str| {
            given.ids().any(|known| known.as_str() == id)
                && matches!(given.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
        };
        in_command(command, name, &|mut command| {
            let own: Vec<String> = command.get_arguments().map(|argument| argument.get_id().to_string()).collect();
            for (id, strings) in self.values.iter().filter(|(id, _)| own.contains(id)) {
                let other_way = id.strip_suffix("_file").map_or_else(|| format!("{id}_file"), str::to_owned);
                if is_given(&other_way) {
                    continue;
                }
                // They live as long as the process, as clap's defaults do.
                let leaked: Vec<&'static str> = strings.iter().map(|text| &*text.clone().leak()).collect();
                command = command.mut_arg(id.clone(), |argument| argument.default_values(leaked));
            }
            command
        })
    }

    /// Says that a value is the file's where clap names only the flag.
    fn explain(&self, refused: Error) -> Error {
        let Some(ContextValue::String(argument)) = refused.get(ContextKind::InvalidArg) else { return refused };
        let flag = argument.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
        if !self.values.contains_key(&flag.replace('-', "_")) {
            return refused;
        }
        let reason = refused.to_string();
        let first = reason.lines().next().unwrap_or_default().trim_start_matches("error: ");
        Error::raw(ErrorKind::InvalidValue, format!("{}: {first}\n", self.path.display()))
    }
}

/// What a file may set: every option of `serve` that has an environment variable.
fn settings(command: &Command) -> Vec<String> {
    let serve = command.find_subcommand(SERVE);
    let options = serve.into_iter().flat_map(Command::get_arguments);
    let settable = options.filter(|option| option.get_env().is_some() && option.get_id() != CONFIG);
    settable.map(|option| option.get_id().to_string()).collect()
}

fn unknown(key: &str, known: &[String]) -> String {
    let likeness = |name: &&String| strsim::jaro(key, name);
    let closest = known
        .iter()
        .filter(|name| likeness(name) >= ALIKE)
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match closest {
        Some(name) => format!("{key} is not a setting; did you mean {name}?"),
        None => format!("{key} is not a setting; `landfall serve --help` lists them (--data-dir is data_dir here)"),
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        one => string(one).map(|text| vec![text]),
    }
}

fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

/// Changes the subcommand of this name, however deep it is.
fn in_command(command: Command, name: &str, change: &dyn Fn(Command) -> Command) -> Command {
    if command.get_name() == name {
        return change(command);
    }
    let inner: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    inner.into_iter().fold(command, |command, one| command.mut_subcommand(one, |inner| in_command(inner, name, change)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::config::Config;
    use crate::config::options::{Cli, Command as Chosen};

    /// What `landfall ARGUMENTS --config FILE` means, or the line that it is refused with.
    fn with_file(text: &str, arguments: &[&str]) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("landfall.toml");
        std::fs::write(&path, text).unwrap();
        let all = [&["landfall", "serve", "--config", path.to_str().unwrap()], arguments].concat();
        let place = format!("{}: ", path.display());
        let line = |refused: String| refused.trim_start_matches("error: ").replace(&place, "").trim().to_owned();
        let cli =
            Cli::from_arguments(all.into_iter().map(OsString::from)).map_err(|refused| line(refused.to_string()))?;
        let Chosen::Serve(options) = cli.command else { panic!("not serve") };
        Config::try_from(*options).map_err(|refused| refused.to_string())
    }

    #[test]
    fn every_kind_of_value_takes_the_place_of_a_default() {
        let config = with_file(
            "listen = \"0.0.0.0:80\"\nmax_operations = 7\ntrust-proxy = true\nnotify = false\nregistration = \"open\"\n\
             cors_origins = [\"https://a.example\", \"https://b.example\"]\nrate_limit = \"off\"\ndatabase_url = \"postgres://db/x\"\n",
            &[],
        )
        .unwrap();
        assert_eq!(config.listen, "0.0.0.0:80".parse().unwrap());
        assert_eq!(config.limits.max_operations, 7);
        assert!(config.trust_proxy && !config.events.notify && config.user_rate.is_none());
        assert_eq!(config.cors_origins, ["https://a.example", "https://b.example"]);
        assert_eq!(config.database.url.to_string(), "postgres://db/x");
        let default = with_file("", &[]).unwrap();
        assert_eq!(default.listen, "127.0.0.1:7001".parse().unwrap());
    }

    #[test]
    fn a_flag_is_stronger() {
        let config = with_file("max_operations = 7\nmax_streams = 5\n", &["--max-operations", "9"]).unwrap();
        assert_eq!((config.limits.max_operations, config.events.max_streams), (9, 5));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, line) in [
            ("max_operation = 7", "max_operation is not a setting; did you mean max_operations?"),
            ("zzz = 7", "zzz is not a setting; `landfall serve --help` lists them (--data-dir is data_dir here)"),
            (
                "config = \"other.toml\"",
                "config is not a setting; `landfall serve --help` lists them (--data-dir is data_dir here)",
            ),
            ("max_streams = 1.5", "max_streams is a float; write a text, a number, true or false, or a list of texts"),
            ("pool_size = 1\npool-size = 2", "pool_size is there twice, with - and with _"),
            ("max_streams = 0", "invalid value '0' for '--max-streams <N>': use a whole number from 1"),
            ("notify = 7", "invalid value '7' for '--notify <BOOL>'"),
            ("\nlisten =", "line 2: string values must be quoted, expected literal string"),
        ] {
            assert_eq!(with_file(text, &[]).unwrap_err(), line, "{text}");
        }
        let missing = ["landfall", "serve", "--config", "/nowhere/landfall.toml"].map(OsString::from);
        let refused = matches(&Cli::command(), &missing).unwrap_err().to_string();
        assert!(
            refused.contains("/nowhere/landfall.toml: the settings file cannot be read: No such file"),
            "{refused}"
        );
    }

    #[test]
    fn a_secret_may_be_in_a_file_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let secret = directory.path().join("secret");
        std::fs::write(&secret, "0123456789abcdef0123456789abcdef\n").unwrap();
        let path = secret.to_str().unwrap();
        let given = format!("jwt_secret_file = \"{path}\"\n");
        let config = with_file(&given, &[]).unwrap();
        assert_eq!(config.jwt_secret.unwrap().expose_secret(), "0123456789abcdef0123456789abcdef");
        // A flag replaces the other way of the file, too.
        let other = "f".repeat(32);
        let config = with_file(&given, &["--jwt-secret", &other]).unwrap();
        assert_eq!(config.jwt_secret.unwrap().expose_secret(), other);
        let both = with_file(&format!("{given}jwt_secret = \"{other}\"\n"), &[]).unwrap_err();
        assert_eq!(both, "LANDFALL_JWT_SECRET: is set, and LANDFALL_JWT_SECRET_FILE too; keep one of them");
        std::fs::write(&secret, "\n").unwrap();
        let empty = with_file(&given, &[]).unwrap_err();
        assert_eq!(empty, format!("LANDFALL_JWT_SECRET_FILE: {path} is empty"));
    }
}
