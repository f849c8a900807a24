#include <tessera/tessera.hpp>

int main() {}
