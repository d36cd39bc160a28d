//! JSON Schemas of types that travel as text of one form, for the OpenAPI documents of the rooms.

/// Gives a type the JSON Schema of a string of that pattern. The pattern says the form; what else a reader checks (a
/// point of the curve, a day that exists) it cannot say.
#[macro_export]
macro_rules! text_schema {
    ($name:ident, $says:literal, $pattern:literal) => {
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> ::std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({ "type": "string", "description": $says, "pattern": $pattern })
            }
        }
    };
}
