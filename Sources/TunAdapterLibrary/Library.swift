// libtunadapter.so.1 is what TunAdapterABI exports, with its soname, its symbol versions and the Swift runtime inside.
@_exported import TunAdapterABI
