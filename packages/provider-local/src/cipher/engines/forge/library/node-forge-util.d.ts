declare module 'node-forge/lib/util.js' {
  const util: { isNodejs: unknown };
  export default util;
}
