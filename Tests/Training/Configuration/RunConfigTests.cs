using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Training.Configuration;

public sealed class RunConfigTests
{
    [Fact]
    public void Every_key_of_a_run_has_documentation()
    {
        Assert.All(ConfigurationReader.Keys<RunConfig>(), key => Assert.False(string.IsNullOrEmpty(key.Documentation), key.Path));
    }

    [Fact]
    public void The_defaults_are_within_their_own_ranges_and_read_back_as_written()
    {
        string written = ConfigurationWriter.Write(new RunConfig(), explained: true);
        RunConfig read = ConfigurationReader.Read<RunConfig>([new ConfigurationLayer("defaults", written)], []);
        Assert.Equal(written, ConfigurationWriter.Write(read, explained: true));
    }
}
