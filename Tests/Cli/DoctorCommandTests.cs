using System.Text.Json;
using GumbelGan.Cli;
using GumbelGan.Engine;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class DoctorCommandTests
{
    private static readonly EngineReport _sound = new("0.107.0", "2.10.0", "/somewhere/libtorch_cpu.so", 1, 2, 2, 0, 100, KeepsArgumentsAlive: true,
        ConvolutionError: 1e-6);

    [Fact]
    public void The_engine_of_this_machine_is_described_in_one_json_document()
    {
        ProgramRun run = ProgramRun.Of("doctor", "--json");
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        JsonElement engine = JsonDocument.Parse(run.Output).RootElement.GetProperty("engine");
        Assert.Equal(("0.107.0", "2.10.0"), (engine.GetProperty("torch_sharp").GetString(), engine.GetProperty("libtorch").GetString()));
        Assert.Equal(Environment.ProcessorCount, engine.GetProperty("cores").GetInt32());
        Assert.True(engine.GetProperty("gigaflops").GetDouble() > 0);
        Assert.Equal(TorchSharp.torch.get_num_threads(), engine.GetProperty("initial_threads").GetInt32());
        Assert.InRange(engine.GetProperty("convolution_error").GetDouble(), 1e-9, 1e-5);
    }

    [Fact]
    public void A_sound_engine_has_no_problems()
    {
        Assert.Empty(_sound.Problems());
    }

    [Fact]
    public void A_slow_product_idle_cores_and_an_uncorrected_engine_are_noticed_each_with_a_remedy()
    {
        Assert.Contains("build the solution again", Assert.Single((_sound with { KeepsArgumentsAlive = false }).Problems()));
        Assert.Contains("only 2.0 GFLOP/s", Assert.Single((_sound with { Gigaflops = 2 }).Problems()));
        Assert.Contains("1 of 2 cores", Assert.Single((_sound with { Threads = 1 }).Problems()));
    }

    [Theory]
    [InlineData(0.8)]
    [InlineData(double.NaN)]
    public void A_convolution_with_a_wrong_gradient_is_noticed_with_a_remedy(double error)
    {
        Assert.Contains("ONEDNN_MAX_CPU_ISA", Assert.Single((_sound with { ConvolutionError = error }).Problems()));
    }

    [Fact]
    public void An_engine_that_does_not_load_gets_the_remedy_for_its_cause()
    {
        Assert.Contains("another processor", EngineReport.Remedy(new TypeInitializationException("torch", new BadImageFormatException())));
        Assert.Contains("dotnet build", EngineReport.Remedy(new DllNotFoundException()));
    }
}
