"""Policy profiles as files: `{name}-{version}.json`, canonical JSON; where each value is from says README.md."""
