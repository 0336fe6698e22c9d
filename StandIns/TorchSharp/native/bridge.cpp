extern "C" int gg_placeholder() { return 0; }
