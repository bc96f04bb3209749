import 'reflect-metadata';
import assert from 'node:assert/strict';
import { entries } from './entries.cjs';

assert.ok(entries.length > 10);
for (const entry of entries) {
  assert.notEqual(Object.keys(await import(entry)).length, 0, entry);
}
