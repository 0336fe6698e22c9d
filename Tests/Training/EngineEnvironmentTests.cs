using GumbelGan.Training;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class EngineEnvironmentTests
{
    [Theory]
    [InlineData(null, null, true, "SkylakeX")]
    [InlineData(null, "Haswell", true, "SkylakeX")]
    [InlineData(null, "ZEN", true, "SkylakeX")]
    [InlineData("", "", true, "SkylakeX")]
    [InlineData(null, "Cooperlake", true, null)]
    [InlineData(null, "Nehalem", true, null)]
    [InlineData(null, null, false, null)]
    [InlineData(null, "Haswell", false, null)]
    public void Avx512_kernels_are_asked_for_where_the_processor_has_them_and_nobody_chose_others(string? wanted, string? present, bool hasAvx512, string? expected) =>
        Assert.Equal(expected, EngineEnvironment.Decide(wanted, present, hasAvx512));

    [Theory]
    [InlineData("Haswell", "SkylakeX", true, "Haswell")]
    [InlineData("Sandybridge", null, false, "Sandybridge")]
    [InlineData("default", "Haswell", true, null)]
    public void The_users_own_choice_of_kernels_wins(string wanted, string? present, bool hasAvx512, string? expected) =>
        Assert.Equal(expected, EngineEnvironment.Decide(wanted, present, hasAvx512));
}
