//! Folders of manifests, made of the templates in `tests/data/process/standalone`.

use leadflow::flow::ports::{Clock, SystemClock};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::folder::Folder;

/// The embedded store, for `$STORE`.
pub const SQLITE: &str = "{embedded: {}}";
/// The database of the Secret `database`, for `$STORE`.
pub const POSTGRES: &str = "{postgresql: {urlFrom: {secretKeyRef: {name: database, key: url}}}}";

/// A folder of manifests that can be edited.
pub struct Manifests {
    folder: Folder,
}

impl Manifests {
    /// Takes over templates and puts values in the place of words such as `$CRM`. `$STORE`, `$DATABASE` and `$ZONE` have values of their own.
    pub fn of(templates: &[&str], values: &[(&str, &str)]) -> Manifests {
        let manifests = Manifests { folder: Folder::new("manifests") };
        let zone = zone_at_noon();
        let defaults = [("$STORE", SQLITE), ("$DATABASE", "none"), ("$ZONE", zone.as_str())];
        for template in templates {
            let text = fs::read_to_string(data().join(template)).expect("the template is there");
            let text = values.iter().chain(&defaults).fold(text, |text, (word, value)| text.replace(word, value));
            assert!(!text.contains(": $") && !text.contains(":$"), "{template} has a word without a value");
            manifests.write(template, &text);
        }
        manifests
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, as an editor does: a new file that takes the old one's place.
    pub fn write(&self, file: &str, text: &str) {
        let unseen = self.folder.join(format!("{file}.new"));
        fs::write(&unseen, text).expect("the manifest can be written");
        fs::rename(unseen, self.folder.join(file)).expect("the manifest can be put in place");
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).expect("the manifest is there")
    }

    /// Replaces a text that is there once. Returns the file as it was.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> String {
        let before = self.read(file);
        assert_eq!(before.matches(from).count(), 1, "{from:?} in {file}");
        self.write(file, &before.replace(from, to));
        before
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/process/standalone")
}

/// A time zone in which it is about noon, so that no day and no month ends during a test.
fn zone_at_noon() -> String {
    let hour = SystemClock.now().as_second() / 3600 % 24;
    // In these names the sign is the other way round: Etc/GMT+5 is five hours behind.
    match hour - 12 {
        0 => "UTC".to_owned(),
        ahead => format!("Etc/GMT{ahead:+}"),
    }
}
