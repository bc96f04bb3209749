import { LocalKeyWrapProvider } from '@keywrap/provider-local';

/** Stands for the provider that a reader of the documentation writes. */
export class MyProvider extends LocalKeyWrapProvider {}

export default MyProvider;
