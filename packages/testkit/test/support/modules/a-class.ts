export { Managed as default } from '../managed.js';
