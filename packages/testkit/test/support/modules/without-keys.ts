import { DriverProvider } from '@keywrap/core';
import { ReferenceDriver } from '../reference.js';

export default class extends DriverProvider {
  constructor() {
    super(new ReferenceDriver());
  }
}
