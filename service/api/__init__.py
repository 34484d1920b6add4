"""HTTP: routes, schemas, problems, uploads. Nothing here decodes."""
