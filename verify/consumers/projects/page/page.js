import { createProvider } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { formatReport, keysOf, runConformance } from '@keywrap/testkit';
import { WebCryptoDriver } from './web-crypto-driver.js';

const HARNESSES = [
  {
    name: 'Web Crypto in a page',
    profile: 'full',
    async open() {
      const driver = new WebCryptoDriver();
      return { provider: createProvider(driver), keys: driver };
    },
  },
  {
    name: 'Local keys in a page',
    // JavaScript is slow at RSA.
    profile: 'quick',
    async open() {
      const provider = new LocalKeyWrapProvider();
      return { provider, keys: keysOf(provider) };
    },
  },
];

/** The report of the suite. */
async function judge({ profile, ...harness }) {
  try {
    const report = await runConformance(harness, { profile });
    const { passed, failed } = report;
    return { name: harness.name, passed, failed, text: formatReport(report) };
  } catch (error) {
    return { name: harness.name, passed: 0, failed: 1, text: String(error.stack) };
  }
}

const reports = [];
for (const harness of HARNESSES) reports.push(await judge(harness));
await fetch('/report', { method: 'POST', body: JSON.stringify(reports) });
