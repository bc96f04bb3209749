/**
 * Binds providers in an inversify container: the token, the decorator and the modules.
 *
 * @module
 */
export * from './inject-key-wrap.js';
export * from './key-wrap-module.js';
export * from './url-module.js';
