// Imported by bundles that need `Buffer`. The slash names the package for browsers, not the module of Node.js.
export { Buffer } from 'buffer/';
