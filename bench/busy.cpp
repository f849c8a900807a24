// busy: keeps as many threads busy as it is told until its standard input ends; bench/compare --busy runs it beside.
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  const int count = argc == 2 ? std::atoi(argv[1]) : 0;
  if (count < 1) {
    std::cerr << "usage: busy THREADS\n";
    return 2;
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  while (std::cin.get() != std::char_traits<char>::eof()) {
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}
