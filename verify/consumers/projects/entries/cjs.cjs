require('reflect-metadata');
const assert = require('node:assert/strict');
const { entries } = require('./entries.cjs');

for (const entry of entries) assert.notEqual(Object.keys(require(entry)).length, 0, entry);
