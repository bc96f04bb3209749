// In an ES module that a bundler made there is no require(), which node-forge calls for node:crypto as soon as it is
// loaded on Node.js. Told that it is elsewhere, it uses Web Crypto and its own code. Only in bundles, which have a
// node-forge of their own: package.json maps `#forge` to this module under the condition `module`, that of bundlers.
import './elsewhere.js';

export { default } from 'node-forge';
