// A provider that keeps every rule, and what makes broken ones of it.
export { wrapped } from '../../../../verify/mutants/dist/mutant.js';
export { ReferenceProvider } from '../../../../verify/mutants/dist/reference-provider.js';
