const service = require('./service.cjs');

service({
  core: require('@keywrap/core'),
  envelope: require('@keywrap/envelope'),
  resilience: require('@keywrap/resilience'),
  local: require('@keywrap/provider-local'),
  kms: require('@keywrap/provider-kms'),
  server: require('@keywrap/kms-server'),
  vault: require('@keywrap/provider-vault'),
  azure: require('@keywrap/provider-azure'),
  gcp: require('@keywrap/provider-gcp'),
  pkcs11: require('@keywrap/provider-pkcs11'),
});
