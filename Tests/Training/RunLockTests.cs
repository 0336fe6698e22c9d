using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Training.Runs;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class RunLockTests
{
    [Fact]
    public void A_folder_is_locked_once_and_free_again_afterwards()
    {
        using var folder = new TemporaryFolder();
        Assert.False(RunLock.IsHeld(folder.Path));
        using (RunLock.Take(folder.Path))
        {
            Assert.True(RunLock.IsHeld(folder.Path));
            UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => RunLock.Take(folder.Path));
            Assert.StartsWith("Another process is training", mistake.Message, StringComparison.Ordinal);
        }

        Assert.False(RunLock.IsHeld(folder.Path));
        RunLock.Take(folder.Path).Dispose();
    }

    [Fact]
    public void A_folder_that_is_gone_is_the_users_mistake_and_not_locked()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("does not exist", Assert.Throws<UserMistakeException>(() => RunLock.Take(folder["none"])).Message, StringComparison.Ordinal);
        Assert.False(RunLock.IsHeld(folder["none"]));
    }
}
