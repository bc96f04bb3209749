import { createProvider } from '@keywrap/core';
import { formatReport, runConformance } from '@keywrap/testkit';
import { WebCryptoDriver } from './web-crypto-driver.js';

const report = await runConformance({
  name: 'Web Crypto in a page',
  async open() {
    const driver = new WebCryptoDriver();
    return { provider: createProvider(driver), keys: driver };
  },
}).then(
  ({ passed, failed, ...rest }) => ({
    passed,
    failed,
    text: formatReport({ passed, failed, ...rest }),
  }),
  (error) => ({ passed: 0, failed: 1, text: String(error.stack) }),
);
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
