//! The fields that every installation has.

use crate::api::exchange::{FieldType, Privacy};

/// One built-in field.
pub struct Builtin {
    pub name: &'static str,
    pub kind: FieldType,
    pub privacy: Privacy,
    /// Names under which forms and systems commonly send it, tried in this order.
    pub aliases: &'static [&'static str],
}

const fn personal(name: &'static str, kind: FieldType, aliases: &'static [&'static str]) -> Builtin {
    Builtin { name, kind, privacy: Privacy::Personal, aliases }
}

const fn plain(name: &'static str, kind: FieldType, aliases: &'static [&'static str]) -> Builtin {
    Builtin { name, kind, privacy: Privacy::Plain, aliases }
}

/// All of them.
pub const FIELDS: &[Builtin] = &[
    personal("contact.first_name", FieldType::PersonName, &["first_name", "firstName", "firstname", "fname", "given_name", "givenName"]),
    personal(
        "contact.last_name",
        FieldType::PersonName,
        &["last_name", "lastName", "lastname", "lname", "surname", "family_name", "familyName"],
    ),
    personal("contact.full_name", FieldType::PersonName, &["full_name", "fullName", "fullname", "name", "contact.name"]),
    personal("contact.email", FieldType::Email, &["email", "email_address", "emailAddress", "e_mail", "e-mail", "contact.email_address"]),
    personal(
        "contact.phone",
        FieldType::Phone,
        &[
            "phone",
            "phone_number",
            "phoneNumber",
            "telephone",
            "tel",
            "mobile",
            "mobile_phone",
            "cell",
            "cell_phone",
            "home_phone",
            "contact.phone_number",
        ],
    ),
    personal("contact.company", FieldType::String, &["company", "company_name", "companyName", "organization", "organisation"]),
    personal(
        "location.street",
        FieldType::String,
        &["street", "street_address", "streetAddress", "address", "address1", "address_1", "address_line1", "address.street"],
    ),
    plain("location.city", FieldType::String, &["city", "town", "locality", "address.city"]),
    plain("location.state", FieldType::State, &["state", "province", "region", "state_code", "address.state"]),
    plain(
        "location.zip",
        FieldType::Postcode,
        &[
            "zip",
            "zip_code",
            "zipCode",
            "zipcode",
            "postal_code",
            "postalCode",
            "postcode",
            "post_code",
            "postal",
            "location.zip_code",
            "location.postal_code",
            "address.zip",
            "address.postal_code",
        ],
    ),
    plain("location.country", FieldType::Country, &["country", "country_code", "countryCode", "address.country"]),
    personal("consent.text", FieldType::String, &["consent_text", "consentText", "tcpa_text", "tcpaText"]),
    personal("consent.url", FieldType::URL, &["consent_url", "consentUrl", "landing_page", "landing_page_url", "landingPageUrl"]),
];
