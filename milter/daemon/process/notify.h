#pragma once

namespace authmilter {

/// Whom the daemon tells how it is: the service manager, or the supervisor of several daemons.
class Notifier {
 public:
  virtual ~Notifier() = default;
  /// Serving; also after a reload, whether it was taken or not.
  virtual void ready() = 0;
  virtual void reloading() = 0;
  virtual void stopping() = 0;
  /// Called every second or so.
  virtual void alive() = 0;
};

/// The protocol of sd_notify(3); does nothing where there is no service manager.
class SystemdNotifier final : public Notifier {
 public:
  SystemdNotifier();
  void ready() override;
  void reloading() override;
  void stopping() override;
  void alive() override;

 private:
  bool watchdog_;
};

/// Tells a supervisor through a pipe: one octet for each event.
class PipeNotifier final : public Notifier {
 public:
  static constexpr char kReady = 'R';
  static constexpr char kAlive = 'A';

  /// Borrows `fd`.
  explicit PipeNotifier(int fd) : fd_(fd) {}
  void ready() override;
  void reloading() override {}
  void stopping() override {}
  void alive() override;

 private:
  int fd_;
};

}  // namespace authmilter
