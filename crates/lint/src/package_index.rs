//! What a caller may know of the packages of base images.

/// What is known of the packages and programs of base images, named as in `FROM`, variables expanded.
pub trait PackageIndex: std::fmt::Debug + Sync {
    /// What a name means to the package manager of an image; `None` when its archive is not known.
    fn package(&self, image: &str, name: &str) -> Option<Package>;

    /// Whether an image has a program of this name in its `PATH`; `None` when the image is not known.
    fn program(&self, image: &str, name: &str) -> Option<bool>;
}

/// What an archive has under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Package {
    /// A package.
    Real {
        /// Its newest version.
        version: String,
    },
    /// Only a name that packages provide.
    Virtual {
        /// Those packages, in the order of their names.
        providers: Vec<String>,
    },
    /// Nothing.
    Missing {
        /// The name that was probably meant.
        similar: Option<String>,
    },
}
