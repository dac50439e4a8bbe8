//! The ZIPs around a place.

use std::f64::consts::PI;
use std::sync::LazyLock;

use thiserror::Error;

use super::zip::{table, zip};

/// Mean radius of the earth (IUGG), in kilometres.
const EARTH: f64 = 6371.0088;
/// Kilometres in a mile.
const MILE: f64 = 1.609_344;

/// How far from a center, along the ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    Miles(u32),
    Kilometres(u32),
}

impl Distance {
    fn kilometres(self) -> f64 {
        match self {
            Self::Miles(miles) => f64::from(miles) * MILE,
            Self::Kilometres(kilometres) => f64::from(kilometres),
        }
    }
}

/// Where a circle has its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Center<'a> {
    /// The middle of a ZIP's area.
    Zip(&'a str),
    /// Degrees north and east.
    Point { latitude: f64, longitude: f64 },
}

/// Why there is no circle around a center.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CircleError {
    #[error("ZIP {0:?} has no known place; give a ZIP of a delivery area near it, or latitude and longitude")]
    UnknownZip(String),
    #[error("latitude {latitude}, longitude {longitude} is not on the globe; latitude is from -90 to 90, longitude from -180 to 180")]
    NotOnTheGlobe { latitude: f64, longitude: f64 },
}

/// Every ZIP whose middle is at most `radius` away from the center by great circle, in order.
///
/// # Errors
/// When the center is a ZIP without a known place, or a point that is not on the globe.
pub fn within(center: Center<'_>, radius: Distance) -> Result<Vec<&'static str>, CircleError> {
    let (latitude, longitude) = point(center)?;
    let angle = radius.kilometres() / EARTH;
    let middle = vector(latitude, longitude);
    // Two points of the unit sphere that are an angle apart are this far apart through the ground: exact, and cheaper than a great circle for each.
    let chord = if angle >= PI { 2.0 } else { 2.0 * (angle / 2.0).sin() };
    let edge = |angle: f64| (latitude.to_radians() + angle).clamp(-PI / 2.0, PI / 2.0).sin();
    let (south, north) = (edge(-angle) - f64::EPSILON, edge(angle) + f64::EPSILON);
    let by_height = &*BY_HEIGHT;
    let from = by_height.partition_point(|(at, _)| at[2] < south);
    let near = by_height[from..].iter().take_while(|(at, _)| at[2] <= north);
    let square = |at: &[f64; 3]| (0..3).map(|axis| (at[axis] - middle[axis]).powi(2)).sum::<f64>();
    // A center is inside of its own circle, whatever becomes of its last digit.
    let mut found: Vec<_> = near.filter(|(at, _)| square(at) <= chord * chord + f64::EPSILON).map(|(_, place)| *place).collect();
    found.sort_unstable();
    Ok(found.into_iter().filter_map(|place| table().zips().get(place).copied()).collect())
}

fn point(center: Center<'_>) -> Result<(f64, f64), CircleError> {
    match center {
        Center::Zip(code) => {
            zip(code).map(|place| (place.latitude, place.longitude)).ok_or_else(|| CircleError::UnknownZip(code.to_owned()))
        }
        Center::Point { latitude, longitude } if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) => {
            Ok((latitude, longitude))
        }
        Center::Point { latitude, longitude } => Err(CircleError::NotOnTheGlobe { latitude, longitude }),
    }
}

/// All ZIPs as points of the unit sphere, from south to north, each with its place in the table.
static BY_HEIGHT: LazyLock<Vec<([f64; 3], usize)>> = LazyLock::new(|| {
    let points = table().points().iter().map(|&(latitude, longitude)| vector(latitude, longitude));
    let mut all: Vec<_> = points.zip(0..).collect();
    all.sort_unstable_by(|(one, _), (other, _)| one[2].total_cmp(&other[2]));
    all
});

fn vector(latitude: f64, longitude: f64) -> [f64; 3] {
    let (up, along) = latitude.to_radians().sin_cos();
    let (east, out) = longitude.to_radians().sin_cos();
    [along * out, along * east, up]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The textbook formula.
    fn kilometres(one: (f64, f64), other: (f64, f64)) -> f64 {
        let half = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
        let h = half(one.0, other.0) + one.0.to_radians().cos() * other.0.to_radians().cos() * half(one.1, other.1);
        2.0 * EARTH * h.sqrt().min(1.0).asin()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_circle_has_the_zips_that_haversine_finds(latitude in -90.0..=90.0, longitude in -180.0..=180.0, size in 0_u32..8_000) {
            let found = within(Center::Point { latitude, longitude }, Distance::Kilometres(size)).unwrap();
            for (zip, at) in table().zips().iter().zip(table().points()) {
                let away = kilometres((latitude, longitude), *at);
                // At the border, and across the globe, the formulas may differ by centimetres.
                if (away - f64::from(size)).abs() > 0.001 {
                    prop_assert_eq!(found.binary_search(zip).is_ok(), away < f64::from(size), "{} is {} km away", zip, away);
                }
            }
        }

        #[test]
        fn a_circle_around_a_zip_has_the_zips_that_haversine_finds(at in 0_usize..33_791, miles in 0_u32..300) {
            let (center, middle) = (table().zips()[at], table().points()[at]);
            let found = within(Center::Zip(center), Distance::Miles(miles)).unwrap();
            prop_assert!(found.is_sorted() && found.contains(&center));
            for (zip, at) in table().zips().iter().zip(table().points()) {
                let away = kilometres(middle, *at) / MILE;
                if (away - f64::from(miles)).abs() > 0.001 {
                    prop_assert_eq!(found.binary_search(zip).is_ok(), away < f64::from(miles), "{} is {} miles away", zip, away);
                }
            }
        }
    }

    #[test]
    fn a_mile_is_longer_than_a_kilometre() {
        let count = |radius| within(Center::Zip("90210"), radius).unwrap().len();
        assert!(count(Distance::Miles(25)) > count(Distance::Kilometres(25)));
        assert_eq!(count(Distance::Miles(15_625)), count(Distance::Kilometres(25_146)));
    }

    #[test]
    fn the_largest_circle_has_every_zip_and_the_smallest_its_own() {
        for radius in [Distance::Miles(u32::MAX), Distance::Kilometres(40_000), Distance::Kilometres(20_100)] {
            assert_eq!(within(Center::Zip("90210"), radius).unwrap(), table().zips(), "{radius:?}");
        }
        assert_eq!(within(Center::Zip("90210"), Distance::Miles(0)).unwrap(), ["90210"]);
    }

    #[test]
    fn a_center_that_is_nowhere_is_an_error_that_says_so() {
        assert_eq!(within(Center::Zip("85001"), Distance::Miles(5)), Err(CircleError::UnknownZip("85001".to_owned())));
        for (latitude, longitude) in [(90.5, 0.0), (0.0, 181.0), (f64::NAN, 0.0)] {
            let text = within(Center::Point { latitude, longitude }, Distance::Miles(5)).unwrap_err().to_string();
            assert!(text.contains("latitude is from -90 to 90"), "{text}");
        }
    }
}
