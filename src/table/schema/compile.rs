//! The Exchange's `spec.schema`, checked and joined with the built-in fields.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::{RESERVED, Schema, SchemaField, builtin};
use crate::api::exchange::{Field, FieldType, LeadSchema};
use crate::table::Problem;

/// Makes the schema, or says which field of the Exchange is wrong.
pub fn compile(wanted: &LeadSchema) -> Result<Schema, Problem> {
    let mut schema = built_in();
    for (index, field) in wanted.fields.iter().enumerate() {
        let at = format!("spec.schema.fields[{index}]");
        check_name(&schema, field, &at)?;
        let compiled = compile_field(field, &at)?;
        for (number, alias) in field.aliases.iter().enumerate() {
            let at = format!("{at}.aliases[{number}]");
            check_alias(&schema, wanted, field, alias, &at)?;
            if schema.aliases.insert(alias.clone(), field.name.clone()).is_some() {
                return Err(Problem::new(at, format!("`{alias}` stands here twice; remove one")));
            }
        }
        schema.fields.insert(field.name.clone(), compiled);
    }
    Ok(Schema::new(schema.fields, schema.aliases))
}

fn built_in() -> Schema {
    let mut schema = Schema::default();
    for field in builtin::FIELDS {
        let aliases: Vec<String> = field.aliases.iter().map(|alias| (*alias).to_owned()).collect();
        schema.aliases.extend(aliases.iter().map(|alias| (alias.clone(), field.name.to_owned())));
        schema.fields.insert(
            field.name.to_owned(),
            SchemaField { kind: field.kind, values: Vec::new(), minimum: None, maximum: None, aliases, privacy: field.privacy },
        );
    }
    schema
}

fn check_name(schema: &Schema, field: &Field, at: &str) -> Result<(), Problem> {
    let name = &field.name;
    let problem = |message: String| Err(Problem::new(format!("{at}.name"), message));
    if builtin::FIELDS.iter().any(|known| known.name == name) {
        return problem(format!("`{name}` is a built-in field and can't be defined again; remove it"));
    }
    if let Some(word) = RESERVED.iter().find(|word| name == *word || is_within(name, word)) {
        return problem(format!("`lead.{word}` is what conditions call a lead's {word}, so no field can be `{name}`; choose another name"));
    }
    if schema.fields.contains_key(name) {
        return problem(format!("`{name}` is defined twice; remove one"));
    }
    if let Some(owner) = schema.aliases.get(name) {
        return problem(format!("`{name}` is an alias of `{owner}`; use that field, or choose another name"));
    }
    if let Some(other) = schema.fields.keys().find(|other| is_within(other, name)) {
        return problem(format!("`{name}` is the group that `{other}` is in and can't be a field too; choose another name"));
    }
    if let Some(other) = schema.fields.keys().find(|other| is_within(name, other)) {
        return problem(format!("`{other}` is a field, so nothing can be within it; choose another name"));
    }
    Ok(())
}

fn check_alias(schema: &Schema, wanted: &LeadSchema, field: &Field, alias: &str, at: &str) -> Result<(), Problem> {
    let problem = |message: String| Err(Problem::new(at, message));
    if alias == field.name {
        return problem(format!("`{alias}` is the field's own name; remove the alias"));
    }
    if schema.fields.contains_key(alias) || wanted.fields.iter().any(|other| other.name == alias) {
        return problem(format!("`{alias}` is the name of a field and can't be an alias of `{}`", field.name));
    }
    match schema.aliases.get(alias) {
        Some(owner) if *owner == field.name => problem(format!("`{alias}` stands here twice; remove one")),
        Some(owner) => problem(format!("`{alias}` is an alias of `{owner}` already; an alias belongs to one field")),
        None => Ok(()),
    }
}

fn compile_field(field: &Field, at: &str) -> Result<SchemaField, Problem> {
    let values = field.values.clone().unwrap_or_default();
    if (field.kind == FieldType::Enum) == values.is_empty() {
        return Err(Problem::new(format!("{at}.values"), "must be given for type Enum, and for no other"));
    }
    let mut seen = HashMap::new();
    for (number, value) in values.iter().enumerate() {
        if value.trim() != value || value.is_empty() {
            return Err(Problem::new(format!("{at}.values[{number}]"), "must not be empty, nor begin or end with a space"));
        }
        if let Some(before) = seen.insert(value.to_lowercase(), number) {
            return Err(Problem::new(
                format!("{at}.values[{number}]"),
                format!("`{value}` is the same as values[{before}] but for letter case, which is forgiven at the door; remove one"),
            ));
        }
    }
    let numeric = matches!(field.kind, FieldType::Integer | FieldType::Decimal);
    let minimum = bound(field.minimum.as_deref(), numeric, &format!("{at}.minimum"))?;
    let maximum = bound(field.maximum.as_deref(), numeric, &format!("{at}.maximum"))?;
    if let (Some(least), Some(most)) = (minimum, maximum)
        && least > most
    {
        return Err(Problem::new(format!("{at}.minimum"), format!("{least} is greater than `maximum`, {most}: no value could pass")));
    }
    Ok(SchemaField { kind: field.kind, values, minimum, maximum, aliases: field.aliases.clone(), privacy: field.privacy })
}

fn bound(text: Option<&str>, numeric: bool, at: &str) -> Result<Option<Decimal>, Problem> {
    let Some(text) = text else { return Ok(None) };
    if !numeric {
        return Err(Problem::new(at, "may be given for types Integer and Decimal only"));
    }
    match Decimal::from_str_exact(text) {
        Ok(number) => Ok(Some(number.normalize())),
        Err(_) => Err(Problem::new(at, format!("`{text}` is not a decimal of at most 28 digits, such as \"750000\" or \"0.5\""))),
    }
}

/// Whether `inner` is in the group `outer`: `a.b` is in `a`.
fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::exchange::Privacy;

    fn fields(yaml: &str) -> Result<Schema, Problem> {
        compile(&LeadSchema { fields: serde_saphyr::from_str(yaml).unwrap() })
    }

    fn problem(yaml: &str) -> (String, String) {
        let problem = fields(yaml).unwrap_err();
        (problem.field, problem.message)
    }

    #[test]
    fn an_empty_schema_has_the_built_in_fields() {
        let schema = compile(&LeadSchema::default()).unwrap();
        assert_eq!(schema.field("contact.phone").unwrap().kind, FieldType::Phone);
        assert_eq!(schema.aliases["phone_number"], "contact.phone");
        assert_eq!(schema.aliases["postal_code"], "location.zip");
        assert_eq!(schema.aliases["firstname"], "contact.first_name");
    }

    #[test]
    fn whoever_and_wherever_somebody_is_stays_personal_and_areas_are_plain() {
        let schema = compile(&LeadSchema::default()).unwrap();
        for (name, field) in &schema.fields {
            let personal = name.starts_with("contact.") || name.starts_with("consent.") || name == "location.street";
            assert_eq!(field.privacy == Privacy::Personal, personal, "{name}");
        }
    }

    #[test]
    fn built_in_aliases_belong_to_one_field_each_and_are_no_field_names() {
        let mut seen = HashMap::new();
        for field in builtin::FIELDS {
            for alias in field.aliases {
                assert_eq!(seen.insert(alias, field.name), None, "{alias}");
                assert!(builtin::FIELDS.iter().all(|other| other.name != *alias), "{alias}");
            }
        }
    }

    #[test]
    fn own_fields_join_the_built_in_ones() {
        let schema = fields("[{name: property.price, type: Decimal, minimum: '0', maximum: '1.50', aliases: [budget]}]").unwrap();
        let field = schema.field("property.price").unwrap();
        assert_eq!((field.minimum, field.maximum), (Some(Decimal::ZERO), Some(Decimal::new(15, 1))));
        assert_eq!(schema.aliases["budget"], "property.price");
    }

    #[test]
    fn a_name_that_is_taken_is_a_problem_of_the_name() {
        for (yaml, words) in [
            ("[{name: contact.email, type: String}]", "built-in"),
            ("[{name: a, type: String}, {name: a, type: String}]", "twice"),
            ("[{name: zip, type: String}]", "alias of `location.zip`"),
            ("[{name: contact, type: String}]", "group"),
            ("[{name: contact.email.kind, type: String}]", "within"),
            ("[{name: score, type: Integer}]", "conditions call a lead's score"),
            ("[{name: grade.old, type: String}]", "conditions call a lead's grade"),
        ] {
            let (field, message) = problem(yaml);
            assert!(field.ends_with(".name"), "{field}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn an_alias_belongs_to_one_field() {
        for (yaml, at) in [
            ("[{name: a, type: String, aliases: [x]}, {name: b, type: String, aliases: [y, x]}]", "spec.schema.fields[1].aliases[1]"),
            ("[{name: a, type: String, aliases: [zip]}]", "spec.schema.fields[0].aliases[0]"),
            ("[{name: a, type: String, aliases: [b]}, {name: b, type: String}]", "spec.schema.fields[0].aliases[0]"),
            ("[{name: a, type: String, aliases: [a]}]", "spec.schema.fields[0].aliases[0]"),
            ("[{name: a, type: String, aliases: [x, x]}]", "spec.schema.fields[0].aliases[1]"),
            ("[{name: a, type: String, aliases: [contact.email]}]", "spec.schema.fields[0].aliases[0]"),
        ] {
            assert_eq!(problem(yaml).0, at, "{yaml}");
        }
    }

    #[test]
    fn bounds_and_values_must_make_sense() {
        for (yaml, at) in [
            ("[{name: a, type: Decimal, minimum: '5', maximum: '4.9'}]", "spec.schema.fields[0].minimum"),
            ("[{name: a, type: String, maximum: '5'}]", "spec.schema.fields[0].maximum"),
            ("[{name: a, type: Decimal, minimum: '99999999999999999999999999999999'}]", "spec.schema.fields[0].minimum"),
            ("[{name: a, type: Enum}]", "spec.schema.fields[0].values"),
            ("[{name: a, type: String, values: [x]}]", "spec.schema.fields[0].values"),
            ("[{name: a, type: Enum, values: [BUYER, Buyer]}]", "spec.schema.fields[0].values[1]"),
            ("[{name: a, type: Enum, values: [' x']}]", "spec.schema.fields[0].values[0]"),
        ] {
            assert_eq!(problem(yaml).0, at, "{yaml}");
        }
    }

    #[test]
    fn every_field_has_a_slot_and_groups_are_neighbours() {
        let schema = fields("[{name: contact_kind, type: String}, {name: contac, type: String}]").unwrap();
        for (at, name) in schema.fields.keys().enumerate() {
            assert_eq!(schema.slot(name), Some(at as u16), "{name}");
            assert_eq!(&*schema.names()[at], name);
        }
        assert_eq!(schema.slot("contact"), None);
        let group: Vec<&str> = schema.group("contact").map(|slot| &*schema.names()[usize::from(slot)]).collect();
        let wanted = ["contact.company", "contact.email", "contact.first_name", "contact.full_name", "contact.last_name", "contact.phone"];
        assert_eq!(group, wanted);
        assert!(schema.group("contac").is_empty() && schema.group("nothing").is_empty());
    }

    #[test]
    fn a_mistyped_or_aliased_name_is_led_to_the_field() {
        let schema = compile(&LeadSchema::default()).unwrap();
        assert_eq!(schema.nearest("contact.emial"), Some("contact.email"));
        assert_eq!(schema.nearest("phone_number"), Some("contact.phone"));
        assert_eq!(schema.nearest("vehicle.year"), None);
    }
}
