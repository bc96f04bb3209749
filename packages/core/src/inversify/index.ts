/**
 * keywrap in an inversify container: the token, the decorator, and modules that bind a provider.
 *
 * @module
 */
export * from './inject-key-wrap.js';
export * from './key-wrap-module.js';
export * from './url-module.js';
