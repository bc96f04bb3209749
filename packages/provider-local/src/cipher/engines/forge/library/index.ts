// node-forge as it is: package.json maps `#forge` to this module where no bundler is at work.
export { default } from 'node-forge';
