//! E-mail addresses, phone numbers, URLs and IP addresses.

use std::net::IpAddr;

use email_address::{EmailAddress, Options};
use rlibphonenumber::{NumberLengthType, PhoneNumber, Region};
use url::Url;

use super::text::at_most;
use super::{FieldCode, Unfit, unfit};

const LONGEST_EMAIL: usize = 254;
const LONGEST_PHONE: usize = 64;
const LONGEST_URL: usize = 2048;

/// Loads what the first phone number would wait about 10 ms for.
pub fn warm_up() {
    let _ = phone("+12025550123", "US");
}

/// An address with its domain in small letters. Letter case before the `@` is the receiver's affair and is kept.
pub fn email(text: &str) -> Result<String, Unfit> {
    at_most(text, LONGEST_EMAIL)?;
    let lowered = text.rsplit_once('@').map(|(local, domain)| format!("{local}@{}", domain.to_lowercase()));
    match lowered {
        Some(address) if is_email(&address) => Ok(address),
        _ => unfit(FieldCode::NotAnEmail, "must be an e-mail address such as jane@example.com"),
    }
}

fn is_email(address: &str) -> bool {
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    !address.chars().any(|letter| letter.is_control() || letter.is_whitespace())
        && EmailAddress::parse_with_options(address, options).is_ok()
}

/// E.164 form. A number must be possible (of the right length for its country), not assigned: numbers for fiction and test calls pass.
pub fn phone(text: &str, country: &str) -> Result<String, Unfit> {
    at_most(text, LONGEST_PHONE)?;
    let number = PhoneNumber::parse(text, Region::from_code(country).ok()).ok();
    match number.filter(|number| number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible)) {
        Some(number) => Ok(number.to_string()),
        None => unfit(FieldCode::NotAPhone, format!("must be a phone number of {country}, or one with + and the country's code")),
    }
}

/// An absolute http or https URL without a password in it.
pub fn url(text: &str) -> Result<String, Unfit> {
    at_most(text, LONGEST_URL)?;
    let parsed = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some() && url.username().is_empty() && url.password().is_none()
    });
    match parsed.map(String::from) {
        Some(url) => at_most(&url, LONGEST_URL).map(|()| url),
        None => unfit(FieldCode::NotAUrl, "must be an absolute http or https URL such as https://example.com/form"),
    }
}

/// An address in its shortest form; IPv4 within IPv6 as IPv4.
pub fn ip(text: &str) -> Result<String, Unfit> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_canonical().to_string()),
        Err(_) => unfit(FieldCode::NotAnIp, "must be an IPv4 or IPv6 address"),
    }
}
