// A driver that keeps every rule, and what makes broken providers of it.
export { wrapped } from '../../../../verify/mutants/dist/mutant.js';
export { ReferenceDriver } from '../../../../verify/mutants/dist/reference-driver.js';
